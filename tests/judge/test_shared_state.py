"""A text counts as keeping nothing between its calls only if that can be read from it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from judge.problems import catalogue
from judge.shared_state import MAX_READ, may_share_state
from simulation.builtin_problems import PROBLEMS

STATELESS = {
    "plain": "def f(x):\n    return 2 * x",
    "helper and constants": "BASE = -2\nPAIR = (1, ('a', None))\ndef g(x): return x + BASE\ndef f(x): return g(x)",
    "defaults": "def f(x, y=1, *, z=(1, 2)):\n    return x + y",
    "imports": "from __future__ import annotations\nimport math, heapq\nfrom collections import deque\n"
    "from typing import List\ndef f(x: List[int]) -> int:\n    return math.gcd(x, len(deque()))",
    "own values": "def f(x):\n    a = {}\n    a[x] = [x]\n    a[x].append(1)\n    del a[x]\n    return a",
    "closure": "def f(x):\n    n = 0\n    def g():\n        nonlocal n\n        n += 1\n    g()\n    return n",
    "error": "def f(x):\n    try: return [][x]\n    except IndexError as error: raise ValueError(x)",
    "unknown name": "def f(x):\n    return undefined + x",
}

STATEFUL = {
    "list": "a = []\ndef f(x): a.append(x); return len(a)",
    "annotated list": "a: list = []\ndef f(x): a.append(x); return len(a)",
    "list in a tuple": "a = ([],)\ndef f(x): a[0].append(x); return len(a)",
    "global": "n = 0\ndef f(x):\n    global n\n    n += 1\n    return n",
    "default": "def f(x, a=[]): a.append(x); return len(a)",
    "keyword default": "def f(x, *, a={}): a[x] = 1; return len(a)",
    "lambda": "f = lambda x, a=[]: a.append(x) or len(a)",
    "decorator": "import functools\n@functools.cache\ndef f(x): return [x]",
    "cached helper": "from functools import lru_cache\ndef f(x): return lru_cache(f)",
    "attribute of a function": "def f(x):\n    f.n = x\n    return f.n",
    "attribute deleted": "def f(x):\n    del f.n",
    "attribute as target": "def f(x):\n    for f.n in [x]: pass",
    "attribute by name": "def f(x): setattr(f, 'n', x)",
    "class": "class A:\n    n = []\ndef f(x): A.n.append(x); return len(A.n)",
    "namespace": "def f(x): globals()['n'] = x",
    "names of a function": "def f(x): f.__dict__['n'] = x",
    "frame": "def f(x):\n    g = (i for i in [])\n    g.gi_frame.f_globals['n'] = x",
    "builtins": "def f(x): __builtins__['n'] = x",
    "module": "import math\ndef f(x): math.n = x",
    "random": "import random\ndef f(x): return random.random()",
    "recursion limit": "import sys\ndef f(x): sys.setrecursionlimit(50 + x)",
    "module of a module": "import heapq\ndef f(x): heapq._sys",
    "import inside": "def f(x):\n    import sys\n    sys.n = x",
    "star": "from math import *\ndef f(x): return x",
    "code in a string": "def f(x): exec('f.n = 1')",
    "walrus in an annotation": "def f(x: (a := [])): a.append(x); return len(a)",
    "class pattern": "def f(x):\n    match f:\n        case object(__globals__=names): names['n'] = x",
    "wrapper": "from functools import update_wrapper\ndef f(x): update_wrapper(f, x)",
    "names by a formatter": "import string\ndef f(x): string.Formatter().get_field('0.__globals__', [f], {})",
    "registered class": "import collections.abc\ndef f(x): collections.abc.Sized.register(int)",
    "file": "def f(x): open('a', 'a').write('x')",
    "loop": "for a in [[]]: pass\ndef f(x): a.append(x); return len(a)",
    "no text": "x = 1_",
    "long": "def f(x): return x\n" + "# x\n" * MAX_READ,
}


@pytest.mark.parametrize("text", STATELESS.values(), ids=STATELESS)
def test_plain_functions_over_plain_values_keep_nothing(text):
    assert not may_share_state(text, "f")


@pytest.mark.parametrize("text", STATEFUL.values(), ids=STATEFUL)
def test_whatever_could_keep_something_counts_as_if_it_did(text):
    assert may_share_state(text, "f")


@pytest.mark.parametrize("entry_point", ["Solution().f", "f.g", "(lambda x, a=[]: a)", ""])
def test_an_entry_point_that_is_no_name_counts_as_if_it_kept_something(entry_point):
    assert may_share_state("def f(x): return x", entry_point)


@given(st.text(max_size=60))
def test_any_text_is_read_without_an_error(text):
    assert may_share_state(text, "f") in (True, False)


def test_the_solutions_of_self_play_and_of_the_catalogue_need_one_fork_each():
    for problem in (*PROBLEMS, *catalogue().values()):
        text = "\n".join([problem.preamble, *problem.solution])
        assert not may_share_state(text, problem.entry_point), problem.id

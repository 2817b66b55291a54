"""Small problems of our own, each with cases, one solution and notes for comments. Not here: running them."""

from __future__ import annotations

from judge import Case, Problem


def _problem(
    id_: str, solution: str, cases: list[tuple[tuple[object, ...], object]], notes: tuple[str, ...]
) -> Problem:
    """The entry point is the function that the solution's first line defines; that line is given."""
    lines = tuple(solution.strip("\n").split("\n"))
    name = lines[0].removeprefix("def ").partition("(")[0]
    return Problem(id_, name, tuple(Case(*case) for case in cases), lines, skeleton=1, notes=notes)


PROBLEMS = (
    _problem(
        "longest-rise",
        """
def longest_rise(heights):
    if not heights:
        return 0
    best = 1
    length = 1
    for before, now in zip(heights, heights[1:]):
        if now > before:
            length += 1
            best = max(best, length)
        else:
            length = 1
    return best
""",
        [(([],), 0), (([5],), 1), (([1, 2, 2, 3, 4],), 3), (([4, 3, 2],), 1), (([1, 5, 9],), 3)],
        ("nothing rises in an empty list", "the longest rise so far", "the rise ends here and a new one begins"),
    ),
    _problem(
        "shift-letters",
        """
def shift_letters(text, steps):
    shifted = []
    for letter in text:
        if "a" <= letter <= "z":
            place = ord(letter) - ord("a")
            letter = chr(ord("a") + (place + steps) % 26)
        shifted.append(letter)
    return "".join(shifted)
""",
        [(("abc", 1), "bcd"), (("xyz!", 3), "abc!"), (("", 5), ""), (("Hi you", -1), "Hh xnt")],
        ("only small letters move", "count on from the start of the alphabet", "everything else stays as it is"),
    ),
    _problem(
        "row-sums",
        """
def row_sums(table):
    sums = []
    for row in table:
        total = 0
        for cell in row:
            if cell is not None:
                total += cell
        sums.append(total)
    return sums
""",
        [(([[1, 2], [3, 4]],), [3, 7]), (([],), []), (([[None, 5], []],), [5, 0]), (([[-1, 1]],), [0])],
        ("one sum for each row", "an empty cell counts nothing", "the row is done"),
    ),
    _problem(
        "digit-steps",
        """
def digit_steps(number):
    steps = 0
    while number >= 10:
        total = 0
        while number > 0:
            total += number % 10
            number //= 10
        number = total
        steps += 1
    return steps
""",
        [((7,), 0), ((10,), 1), ((199,), 3), ((999999,), 2), ((0,), 0)],
        ("until one digit is left", "the last digit", "one more round"),
    ),
    _problem(
        "free-slots",
        """
def free_slots(meetings, start, end):
    free = []
    now = start
    for begins, ends in sorted(meetings):
        if begins > now:
            free.append([now, begins])
        now = max(now, ends)
    if now < end:
        free.append([now, end])
    return free
""",
        [
            (([], 9, 17), [[9, 17]]),
            (([[10, 11], [9, 10]], 9, 12), [[11, 12]]),
            (([[9, 12], [10, 11]], 9, 12), []),
            (([[13, 14], [10, 11]], 9, 15), [[9, 10], [11, 13], [14, 15]]),
        ],
        ("in the order in which they begin", "there is a gap before this meeting", "what is left of the day"),
    ),
    _problem(
        "group-by-length",
        """
def group_by_length(words):
    groups = {}
    for word in words:
        key = len(word)
        if key not in groups:
            groups[key] = []
        groups[key].append(word)
    for group in groups.values():
        group.sort()
    return groups
""",
        [
            ((["b", "a"],), {1: ["a", "b"]}),
            (([],), {}),
            ((["to", "be", "or", "not"],), {2: ["be", "or", "to"], 3: ["not"]}),
        ],
        ("words of one length belong together", "the first word of this length", "each group in alphabetical order"),
    ),
    _problem(
        "spiral",
        """
def spiral(table):
    order = []
    rows = [list(row) for row in table]
    while rows:
        order.extend(rows.pop(0))
        turned = []
        for column in zip(*rows):
            turned.append(list(column))
        turned.reverse()
        rows = turned
    return order
""",
        [
            (([],), []),
            (([[1]],), [1]),
            (([[1, 2], [4, 3]],), [1, 2, 3, 4]),
            (([[1, 2, 3], [8, 9, 4], [7, 6, 5]],), [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ],
        ("take the upper row away", "turn what is left to the left", "until nothing is left"),
    ),
    _problem(
        "change-coins",
        """
def change_coins(coins, amount):
    fewest = [0] + [None] * amount
    for value in range(1, amount + 1):
        for coin in coins:
            if coin > value:
                continue
            rest = fewest[value - coin]
            if rest is None:
                continue
            if fewest[value] is None or rest + 1 < fewest[value]:
                fewest[value] = rest + 1
    return fewest[amount]
""",
        [(([1, 5, 7], 10), 2), (([2], 3), None), (([3], 0), 0), (([1, 4, 6], 8), 2), (([5, 2], 11), 4)],
        ("the fewest coins for each amount", "this coin is too large", "one coin more than the rest needs"),
    ),
)
"""The problems, in a fixed order."""

BY_ID = {problem.id: problem for problem in PROBLEMS}

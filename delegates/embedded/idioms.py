"""How common steps of small programs are written: short functions that the writer knows beside the standard library.

Its names do not matter, as variables are known by how lately they were used (`delegates.embedded.variables`). Not here:
what is done with them.
"""

from __future__ import annotations

IDIOMS = """
def total_of(values):
    total = 0
    for value in values:
        total += value
    return total


def average(values):
    if not values:
        return 0
    return sum(values) / len(values)


def how_many(values, wanted):
    count = 0
    for value in values:
        if value == wanted:
            count += 1
    return count


def only_positive(values):
    result = []
    for value in values:
        if value > 0:
            result.append(value)
    return result


def doubled(values):
    return [2 * value for value in values]


def squares(values):
    return [value * value for value in values if value > 0]


def largest(values):
    best = values[0]
    for value in values[1:]:
        if value > best:
            best = value
    return best


def largest_or_none(values):
    best = None
    for value in values:
        if best is None or value > best:
            best = value
    return best


def place_of_largest(values):
    best = 0
    for i in range(1, len(values)):
        if values[i] > values[best]:
            best = i
    return best


def place_of(values, wanted):
    for i, value in enumerate(values):
        if value == wanted:
            return i
    return -1


def contains(values, wanted):
    for value in values:
        if value == wanted:
            return True
    return False


def all_even(values):
    for value in values:
        if value % 2 != 0:
            return False
    return True


def longest_word(words):
    longest = ""
    for word in words:
        if len(word) > len(longest):
            longest = word
    return longest


def count_each(words):
    counts = {}
    for word in words:
        counts[word] = counts.get(word, 0) + 1
    return counts


def count_letters(text):
    counts = {}
    for letter in text:
        if letter not in counts:
            counts[letter] = 0
        counts[letter] += 1
    return counts


def group(words):
    groups = {}
    for word in words:
        key = word[0]
        if key not in groups:
            groups[key] = []
        groups[key].append(word)
    return groups


def grouped(pairs):
    groups = {}
    for key, value in pairs:
        groups.setdefault(key, []).append(value)
    return groups


def most_frequent(counts):
    best = None
    for key, count in counts.items():
        if best is None or count > counts[best]:
            best = key
    return best


def without_duplicates(values):
    seen = set()
    result = []
    for value in values:
        if value not in seen:
            seen.add(value)
            result.append(value)
    return result


def first_duplicate(values):
    seen = set()
    for value in values:
        if value in seen:
            return value
        seen.add(value)
    return None


def reversed_text(text):
    result = ""
    for letter in text:
        result = letter + result
    return result


def is_palindrome(text):
    left = 0
    right = len(text) - 1
    while left < right:
        if text[left] != text[right]:
            return False
        left += 1
        right -= 1
    return True


def vowels(text):
    count = 0
    for letter in text:
        if letter in "aeiou":
            count += 1
    return count


def letters_only(text):
    result = []
    for letter in text:
        if letter.isalpha():
            result.append(letter.lower())
    return "".join(result)


def capitalized(text):
    words = text.split()
    return " ".join(word.capitalize() for word in words)


def shifted(text, steps):
    result = []
    for letter in text:
        if letter.isalpha():
            place = (ord(letter) - ord("a") + steps) % 26
            result.append(chr(ord("a") + place))
        else:
            result.append(letter)
    return "".join(result)


def run_lengths(text):
    runs = []
    i = 0
    while i < len(text):
        j = i
        while j < len(text) and text[j] == text[i]:
            j += 1
        runs.append((text[i], j - i))
        i = j
    return runs


def runs_of(values):
    if not values:
        return []
    runs = []
    current = values[0]
    count = 1
    for value in values[1:]:
        if value == current:
            count += 1
        else:
            runs.append((current, count))
            current = value
            count = 1
    runs.append((current, count))
    return runs


def digit_sum(number):
    total = 0
    while number > 0:
        total += number % 10
        number //= 10
    return total


def digits(number):
    return [int(digit) for digit in str(number)]


def binary(number):
    if number == 0:
        return "0"
    bits = ""
    while number > 0:
        bits = str(number % 2) + bits
        number //= 2
    return bits


def power(base, exponent):
    result = 1
    for _ in range(exponent):
        result *= base
    return result


def factorial(n):
    if n <= 1:
        return 1
    return n * factorial(n - 1)


def product(values):
    result = 1
    for value in values:
        result *= value
    return result


def fibonacci(n):
    a, b = 0, 1
    for _ in range(n):
        a, b = b, a + b
    return a


def gcd(a, b):
    while b:
        a, b = b, a % b
    return a


def is_prime(n):
    if n < 2:
        return False
    for divisor in range(2, int(n ** 0.5) + 1):
        if n % divisor == 0:
            return False
    return True


def prime_factors(n):
    factors = []
    divisor = 2
    while divisor * divisor <= n:
        while n % divisor == 0:
            factors.append(divisor)
            n //= divisor
        divisor += 1
    if n > 1:
        factors.append(n)
    return factors


def primes_up_to(n):
    is_prime = [True] * (n + 1)
    primes = []
    for i in range(2, n + 1):
        if is_prime[i]:
            primes.append(i)
            for j in range(i * i, n + 1, i):
                is_prime[j] = False
    return primes


def divisors(n):
    result = []
    for i in range(1, n + 1):
        if n % i == 0:
            result.append(i)
    return result


def search_sorted(values, wanted):
    low = 0
    high = len(values) - 1
    while low <= high:
        middle = (low + high) // 2
        if values[middle] == wanted:
            return middle
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle - 1
    return -1


def insertion_place(values, wanted):
    low = 0
    high = len(values)
    while low < high:
        middle = (low + high) // 2
        if values[middle] < wanted:
            low = middle + 1
        else:
            high = middle
    return low


def bubble_sort(values):
    n = len(values)
    for i in range(n):
        for j in range(n - i - 1):
            if values[j] > values[j + 1]:
                values[j], values[j + 1] = values[j + 1], values[j]
    return values


def merged(left, right):
    result = []
    i = 0
    j = 0
    while i < len(left) and j < len(right):
        if left[i] <= right[j]:
            result.append(left[i])
            i += 1
        else:
            result.append(right[j])
            j += 1
    result.extend(left[i:])
    result.extend(right[j:])
    return result


def merge_sort(values):
    if len(values) <= 1:
        return values
    middle = len(values) // 2
    left = merge_sort(values[:middle])
    right = merge_sort(values[middle:])
    return merged(left, right)


def pair_with_sum(values, target):
    seen = {}
    for i, value in enumerate(values):
        other = target - value
        if other in seen:
            return [seen[other], i]
        seen[value] = i
    return []


def has_close_pair(values, limit):
    for i in range(len(values)):
        for j in range(i + 1, len(values)):
            if abs(values[i] - values[j]) < limit:
                return True
    return False


def best_sum(values):
    best = values[0]
    current = 0
    for value in values:
        current = max(value, current + value)
        best = max(best, current)
    return best


def longest_increasing_run(values):
    if not values:
        return 0
    longest = 1
    length = 1
    for i in range(1, len(values)):
        if values[i] > values[i - 1]:
            length += 1
            longest = max(longest, length)
        else:
            length = 1
    return longest


def window_sums(values, size):
    sums = []
    total = 0
    for i, value in enumerate(values):
        total += value
        if i >= size:
            total -= values[i - size]
        if i >= size - 1:
            sums.append(total)
    return sums


def longest_without_repeat(text):
    last = {}
    start = 0
    longest = 0
    for i, letter in enumerate(text):
        if letter in last and last[letter] >= start:
            start = last[letter] + 1
        last[letter] = i
        longest = max(longest, i - start + 1)
    return longest


def running_totals(values):
    totals = [0]
    for value in values:
        totals.append(totals[-1] + value)
    return totals


def differences(values):
    result = []
    for before, after in zip(values, values[1:]):
        result.append(after - before)
    return result


def chunks(values, size):
    result = []
    for start in range(0, len(values), size):
        result.append(values[start:start + size])
    return result


def rotated(values, steps):
    if not values:
        return []
    steps %= len(values)
    return values[-steps:] + values[:-steps]


def flat(rows):
    result = []
    for row in rows:
        for value in row:
            result.append(value)
    return result


def transposed(rows):
    result = []
    for column in range(len(rows[0])):
        result.append([row[column] for row in rows])
    return result


def row_totals(rows):
    totals = []
    for row in rows:
        total = 0
        for value in row:
            total += value
        totals.append(total)
    return totals


def empty_table(rows, columns):
    table = []
    for _ in range(rows):
        table.append([0] * columns)
    return table


def neighbours(grid, row, column):
    result = []
    for dr, dc in [(0, 1), (1, 0), (0, -1), (-1, 0)]:
        r = row + dr
        c = column + dc
        if 0 <= r < len(grid) and 0 <= c < len(grid[0]):
            result.append((r, c))
    return result


def region_count(grid):
    seen = set()
    count = 0
    for y, row in enumerate(grid):
        for x, cell in enumerate(row):
            if cell == "#" and (x, y) not in seen:
                count += 1
                stack = [(x, y)]
                seen.add((x, y))
                while stack:
                    cx, cy = stack.pop()
                    for nx, ny in [(cx + 1, cy), (cx - 1, cy), (cx, cy + 1), (cx, cy - 1)]:
                        if 0 <= ny < len(grid) and 0 <= nx < len(grid[ny]) and (nx, ny) not in seen:
                            seen.add((nx, ny))
                            stack.append((nx, ny))
    return count


def shortest_path(graph, start, end):
    distances = {start: 0}
    queue = [start]
    for node in queue:
        if node == end:
            return distances[node]
        for neighbour in graph[node]:
            if neighbour not in distances:
                distances[neighbour] = distances[node] + 1
                queue.append(neighbour)
    return -1


def reachable(graph, start):
    seen = {start}
    stack = [start]
    while stack:
        node = stack.pop()
        for neighbour in graph.get(node, []):
            if neighbour not in seen:
                seen.add(neighbour)
                stack.append(neighbour)
    return seen


def cheapest(graph, start):
    costs = {start: 0}
    waiting = [(0, start)]
    while waiting:
        cost, node = heapq.heappop(waiting)
        if cost > costs[node]:
            continue
        for neighbour, price in graph[node]:
            new_cost = cost + price
            if neighbour not in costs or new_cost < costs[neighbour]:
                costs[neighbour] = new_cost
                heapq.heappush(waiting, (new_cost, neighbour))
    return costs


def in_order(needs):
    waiting = {name: len(others) for name, others in needs.items()}
    ready = [name for name, count in waiting.items() if count == 0]
    order = []
    while ready:
        name = ready.pop(0)
        order.append(name)
        for other, others in needs.items():
            if name in others:
                waiting[other] -= 1
                if waiting[other] == 0:
                    ready.append(other)
    return order


def is_balanced(text):
    pairs = {")": "(", "]": "[", "}": "{"}
    stack = []
    for letter in text:
        if letter in "([{":
            stack.append(letter)
        elif letter in pairs:
            if not stack or stack.pop() != pairs[letter]:
                return False
    return not stack


def evaluated(tokens):
    stack = []
    for token in tokens:
        if token in "+-*":
            right = stack.pop()
            left = stack.pop()
            if token == "+":
                stack.append(left + right)
            elif token == "-":
                stack.append(left - right)
            else:
                stack.append(left * right)
        else:
            stack.append(int(token))
    return stack.pop()


def next_larger(values):
    result = [-1] * len(values)
    stack = []
    for i, value in enumerate(values):
        while stack and values[stack[-1]] < value:
            result[stack.pop()] = value
        stack.append(i)
    return result


def coin_ways(coins, amount):
    ways = [0] * (amount + 1)
    ways[0] = 1
    for coin in coins:
        for value in range(coin, amount + 1):
            ways[value] += ways[value - coin]
    return ways[amount]


def climb_ways(steps):
    ways = [1, 1]
    for i in range(2, steps + 1):
        ways.append(ways[i - 1] + ways[i - 2])
    return ways[steps]


def common_length(first, second):
    lengths = [[0] * (len(second) + 1) for _ in range(len(first) + 1)]
    for i in range(1, len(first) + 1):
        for j in range(1, len(second) + 1):
            if first[i - 1] == second[j - 1]:
                lengths[i][j] = lengths[i - 1][j - 1] + 1
            else:
                lengths[i][j] = max(lengths[i - 1][j], lengths[i][j - 1])
    return lengths[len(first)][len(second)]


def best_value(weights, values, limit):
    best = [0] * (limit + 1)
    for weight, value in zip(weights, values):
        for load in range(limit, weight - 1, -1):
            best[load] = max(best[load], best[load - weight] + value)
    return best[limit]


def subsets(values):
    result = [[]]
    for value in values:
        result += [subset + [value] for subset in result]
    return result


def permutations(values):
    if not values:
        return [[]]
    result = []
    for i, value in enumerate(values):
        for rest in permutations(values[:i] + values[i + 1:]):
            result.append([value] + rest)
    return result


def merged_intervals(intervals):
    result = []
    for start, end in sorted(intervals):
        if result and start <= result[-1][1]:
            result[-1][1] = max(result[-1][1], end)
        else:
            result.append([start, end])
    return result


def overlaps(meetings):
    last = None
    for start, end in sorted(meetings):
        if last is not None and start < last:
            return True
        last = end
    return False


def smallest_two(values):
    smallest = None
    second = None
    for value in values:
        if smallest is None or value < smallest:
            second = smallest
            smallest = value
        elif second is None or value < second:
            second = value
    return smallest, second


def common_start(words):
    if not words:
        return ""
    start = words[0]
    for word in words[1:]:
        while not word.startswith(start):
            start = start[:-1]
    return start


def are_anagrams(first, second):
    return sorted(first) == sorted(second)


def clock(seconds):
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}"


def as_number(text):
    number = 0
    for digit in text:
        number = number * 10 + int(digit)
    return number


def roman(text):
    values = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100}
    total = 0
    for i, letter in enumerate(text):
        value = values[letter]
        if i + 1 < len(text) and values[text[i + 1]] > value:
            total -= value
        else:
            total += value
    return total


def wrapped(text, width):
    lines = []
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            lines.append(line)
            line = word
        else:
            line = line + " " + word if line else word
    if line:
        lines.append(line)
    return lines


def turned(text):
    return " ".join(reversed(text.split()))


def compare(first, second):
    for a, b in zip(first, second):
        if a != b:
            return False
    return len(first) == len(second)


def distance(first, second):
    count = 0
    for a, b in zip(first, second):
        if a != b:
            count += 1
    return count


def sorted_by_second(pairs):
    return sorted(pairs, key=lambda pair: pair[1])


def by_length(words):
    return sorted(words, key=lambda word: (len(word), word))


def inverted(mapping):
    result = {}
    for key, value in mapping.items():
        result[value] = key
    return result


def limited(value, low, high):
    return max(low, min(value, high))


def sign(number):
    if number > 0:
        return 1
    if number < 0:
        return -1
    return 0


def read_lines(path):
    with open(path) as file:
        return [line.strip() for line in file]


def read_table(path):
    rows = []
    with open(path) as file:
        for line in file:
            rows.append(line.strip().split(","))
    return rows


class Counter:
    def __init__(self, start):
        self.value = start

    def add(self, amount):
        self.value += amount
        return self.value


class Stack:
    def __init__(self):
        self.items = []

    def push(self, item):
        self.items.append(item)

    def pop(self):
        return self.items.pop()

    def is_empty(self):
        return not self.items
"""
"""Programs, one below the other."""

"""The functions that code items ask for: what each must do, a right body, a wrong one, and arguments to try it with.

``K`` and ``M`` stand for small numbers that each item draws anew, so that no two weeks ask for the same function.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

Cases = Callable[[Random], list[Any]]


@dataclass(frozen=True, slots=True)
class Program:
    """``bug`` is (right, wrong): the first in the body is replaced by the second to get a program that fails."""

    name: str
    parameters: str
    does: str
    body: str
    bug: tuple[str, str]
    arguments: Cases

    def code(self, k: int, m: int, broken: bool = False) -> str:
        body = self.body.replace(*self.bug, 1) if broken else self.body
        lines = "\n".join(f"    {line}" for line in body.strip("\n").splitlines())
        return f"def {self.name}({self.parameters}):\n{numbered(lines, k, m)}\n"


def numbered(text: str, k: int, m: int) -> str:
    return text.replace("«K»", str(k)).replace("«M»", str(m))


def number(chance: Random) -> list[Any]:
    return [chance.randint(-50, 50)]


def numbers(chance: Random) -> list[Any]:
    return [[chance.randint(-30, 30) for _ in range(chance.randint(1, 9))]]


def naturals(chance: Random) -> list[Any]:
    return [[chance.randint(1, 40) for _ in range(chance.randint(2, 9))]]


def text(chance: Random) -> list[Any]:
    return ["".join(chance.choice("aabbcdeeioutr  ") for _ in range(chance.randint(3, 16))).strip() or "a"]


def two_texts(chance: Random) -> list[Any]:
    return ["".join(chance.choice("abc") for _ in range(chance.randint(2, 7))) for _ in range(2)]


def natural(chance: Random) -> list[Any]:
    return [chance.randint(2, 60)]


def spans(chance: Random) -> list[Any]:
    starts = [chance.randint(0, 40) for _ in range(chance.randint(2, 7))]
    return [[[start, start + chance.randint(1, 9)] for start in starts]]


def brackets(chance: Random) -> list[Any]:
    return ["".join(chance.choice("()[]") for _ in range(chance.choice((2, 4, 4, 6)))) if chance.random() < 0.5 else
            chance.choice(("()", "([])", "[()()]", "(())[]", "[[]()]"))]  # fmt: skip


def edges(chance: Random) -> list[Any]:
    size = chance.randint(3, 6)
    pairs = [[a, b] for a in range(size) for b in range(a + 1, size) if chance.random() < 0.5]
    names = chance.sample(range(size), size)
    return [size, [[names[a], names[b]] for a, b in pairs]]


def sums(chance: Random) -> list[Any]:
    parts = [str(chance.randint(1, 20))]
    for _ in range(chance.randint(1, 4)):
        parts += [chance.choice("+-*"), str(chance.randint(1, 9))]
    return [" ".join(parts)]


def roman(chance: Random) -> list[Any]:
    return [chance.randint(1, 399)]


LEVELS: dict[int, Sequence[Program]] = {
    1: (
        Program("add", "x", "returns x plus «K»", "return x + «K»", ("+", "-"), number),
        Program("times", "x", "returns x times «K»", "return x * «K»", ("*", "+"), number),
        Program("minus", "x", "returns x minus «K»", "return x - «K»", ("-", "+"), number),
        Program("length", "s", "returns the length of the string s", "return len(s)", ("len(s)", "len(s) - 1"), text),
        Program("double_all", "numbers", "returns a list with each of the numbers times «K»",
                "return [n * «K» for n in numbers]", ("n *", "n +"), numbers),
        Program("largest", "numbers", "returns the largest of the numbers", "return max(numbers)", ("max", "min"),
                numbers),
        Program("total", "numbers", "returns the sum of the numbers", "return sum(numbers)", ("sum", "len"), numbers),
        Program("shout", "s", "returns the string s in capital letters", "return s.upper()", ("upper", "lower"), text),
    ),
    2: (
        Program("is_even", "n", "returns True if n is even and False otherwise", "return n % 2 == 0", ("== 0", "== 1"),
                number),
        Program("reverse", "s", "returns the string s reversed", "return s[::-1]", ("[::-1]", "[::1]"), text),
        Program("above", "numbers", "returns how many of the numbers are greater than «K»",
                "return sum(1 for n in numbers if n > «K»)", ("> ", "<= "), numbers),
        Program("evens", "numbers", "returns a list of the even ones among the numbers, in their order",
                "return [n for n in numbers if n % 2 == 0]", ("== 0", "!= 0"), numbers),
        Program("vowels", "s", "returns how many letters of s are vowels (a, e, i, o, u)",
                "return sum(1 for c in s if c in 'aeiou')", ("'aeiou'", "'aeo'"), text),
        Program("sum_to", "n", "returns the sum of the whole numbers from 1 to n, both included",
                "return sum(range(1, n + 1))", ("n + 1", "n"), natural),
        Program("capped", "x", "returns x, but «K» if x is greater than «K»", "return min(x, «K»)", ("min", "max"),
                number),
        Program("last_first", "numbers", "returns a list of the last and the first of the numbers, in that order",
                "return [numbers[-1], numbers[0]]", ("numbers[-1]", "numbers[1 % len(numbers)]"), numbers),
    ),
    3: (
        Program("factorial_mod", "n", "returns the factorial of n modulo 9«M»7",
                "result = 1\nfor i in range(2, n + 1):\n    result = result * i % 9«M»7\nreturn result % 9«M»7",
                ("n + 1", "n"), natural),
        Program("second_largest", "numbers",
                "returns the second largest of the different values among the numbers, or None if there is none",
                "values = sorted(set(numbers))\nreturn values[-2] if len(values) > 1 else None",
                ("set(numbers)", "numbers"), lambda c: [numbers(c)[0] * 2]),
        Program("run_lengths", "s", "returns the run-length encoding of s as a string: each run as its letter and its "
                "length, so that 'aab' gives 'a2b1'",
                "out = ''\ni = 0\nwhile i < len(s):\n    j = i\n    while j < len(s) and s[j] == s[i]:\n        "
                "j += 1\n"
                "    out += s[i] + str(j - i)\n    i = j\nreturn out", ("str(j - i)", "str(j)"),
                lambda c: [text(c)[0].replace(" ", "a")]),
        Program("primes", "n", "returns a list of the prime numbers up to and including n",
                "return [p for p in range(2, n + 1) if all(p % d for d in range(2, p))]", ("range(2, n", "range(1, n"),
                natural),
        Program("rotate", "numbers", "returns the list of numbers rotated to the right by «K» places",
                "k = «K» % len(numbers)\nreturn numbers[-k:] + numbers[:-k] if k else list(numbers)",
                ("numbers[-k:] + numbers[:-k]", "numbers[k:] + numbers[:k]"),
                lambda c: [c.sample(range(99), c.randint(4, 9))]),
        Program("common", "a, b", "returns a sorted list of the different characters that are in both strings",
                "return sorted(set(a) & set(b))", ("&", "|"), lambda c: [c.choice(["abx", "cay", "bbz"]),
                                                                          two_texts(c)[1]]),
        Program("digits", "n", "returns the sum of the decimal digits of n times «K»",
                "return sum(int(d) for d in str(n * «K»))", ("n * «K»", "n"), natural),
        Program("words_by_length", "s", "returns a list of the words of s (separated by spaces), shortest "
            "first, those of "
                "equal length in their order", "return sorted(s.split(), key=len)", (", key=len", ""),
                lambda c: [" ".join(c.sample(["tea", "a", "zoo", "wolf", "is", "of", "bread", "go"], 5))]),
    ),
    4: (
        Program("merge_spans", "spans", "merges overlapping or touching spans [start, end] and returns them as "
            "a sorted "
                "list of lists",
                "out = []\nfor start, end in sorted(spans):\n    if out and start <= out[-1][1]:\n"
                "        out[-1][1] = max(out[-1][1], end)\n    else:\n        out.append([start, end])\nreturn out",
                ("max(out[-1][1], end)", "end"), spans),
        Program("balanced", "s", "returns True if the brackets ( ) and [ ] in s are balanced and well nested",
                "stack = []\nfor c in s:\n    if c in '([':\n        stack.append(c)\n"
                "    elif not stack or stack.pop() + c not in ('()', '[]'):\n        return False\nreturn not stack",
                ("return not stack", "return True"), brackets),
        Program("roman", "n", "returns n (1 to 399) as a Roman numeral",
                "out = ''\nfor value, sign in ((100, 'C'), (90, 'XC'), (50, 'L'), (40, 'XL'), (10, 'X'), (9, 'IX'), "
                "(5, 'V'), (4, 'IV'), (1, 'I')):\n    out += sign * (n // value)\n    n %= value\nreturn out",
                ("(9, 'IX'), ", ""), roman),
        Program("best_run", "numbers", "returns the largest sum of at most «K» neighbouring numbers (at least one)",
                "n = len(numbers)\nreturn max(sum(numbers[i:j]) for i in range(n) "
                "for j in range(i + 1, min(n, i + «K») + 1))", ("min(n, i + «K») + 1", "n + 1"),
                lambda c: [[c.randint(1, 30) if c.random() < 0.7 else -c.randint(1, 20) for _ in range(12)]]),
        Program("collatz", "n", "returns how many steps n takes to reach 1 when an even number is halved and an "
            "odd one "
                "becomes 3 * n + 1", "steps = 0\nwhile n != 1:\n    n = n // 2 if n % 2 == 0 else 3 * n + 1\n"
                "    steps += 1\nreturn steps", ("steps = 0", "steps = 1"), natural),
        Program("group_sums", "numbers", "returns a dictionary from the remainder modulo «K», as a string, to "
            "the sum of "
                "the numbers with that remainder",
                "out = {}\nfor n in numbers:\n    key = str(n % «K»)\n    out[key] = out.get(key, 0) + n\nreturn out",
                ("out.get(key, 0) + n", "n"), lambda c: [[c.randint(1, 40) for _ in range(12)]]),
        Program("base", "n", "returns the natural number n written in base «K» as a string of digits",
                "out = ''\nwhile n:\n    out = str(n % «K») + out\n    n //= «K»\nreturn out or '0'",
                ("str(n % «K») + out", "out + str(n % «K»)"), lambda c: [c.randint(10, 999)]),
        Program("longest_unique", "s", "returns the length of the longest part of s without a repeated character",
                "best = 0\nfor i in range(len(s)):\n    for j in range(i + 1, len(s) + 1):\n"
                "        if len(set(s[i:j])) == j - i:\n            best = max(best, j - i)\nreturn best",
                ("max(best, j - i)", "j - i"), text),
    ),
    5: (
        Program("distance", "a, b", "returns the least cost to turn string a into b, where inserting or deleting a "
                "character costs 2 and replacing one costs «K»",
                "row = [2 * j for j in range(len(b) + 1)]\nfor i, x in enumerate(a, 1):\n    above = row\n"
                "    row = [2 * i]\n    for j, y in enumerate(b, 1):\n        row.append(min(above[j] + 2, "
                "row[-1] + 2, "
                "above[j - 1] + (0 if x == y else «K»)))\nreturn row[-1]", ("above[j] + 2", "above[j] + 1"), two_texts),
        Program("first_order", "n, edges", "returns the lexicographically smallest topological order of the nodes 0 to "
                "n - 1 with the given edges [before, after]",
                "import heapq\ndegree = [0] * n\nfor _, b in edges:\n    degree[b] += 1\n"
                "ready = [v for v in range(n) if degree[v] == 0]\nheapq.heapify(ready)\norder = []\nwhile ready:\n"
                "    v = heapq.heappop(ready)\n    order.append(v)\n    for a, b in edges:\n        if a == v:\n"
                "            degree[b] -= 1\n            if degree[b] == 0:\n                heapq.heappush(ready, b)\n"
                "return order", ("heapq.heappop(ready)", "ready.pop()"), edges),
        Program("calculate", "s", "computes an expression of whole numbers with + - * separated by single "
            "spaces, without "
                "eval, * binding stronger",
                "total, term, sign = 0, None, 1\ntokens = s.split()\nfor op, word in zip(['+'] + tokens[1::2], "
                "tokens[::2]):\n    if op == '*':\n        term *= int(word)\n    else:\n"
                "        if term is not None:\n            total += sign * term\n        sign = 1 if op == '+' "
                "else -1\n"
                "        term = int(word)\nreturn total + sign * term", ("return total + sign * term",
                                                                         "return total + term"), sums),
        Program("ways", "amount", "returns in how many ways the amount can be paid with coins of 1, «K» and «M», order "
                "not mattering", "ways = [1] + [0] * amount\nfor coin in (1, «K», «M»):\n"
                "    for value in range(coin, amount + 1):\n        ways[value] += ways[value - coin]\n"
                "return ways[amount]", ("(1, «K», «M»)", "(1, «M»)"), lambda c: [c.randint(20, 90)]),
        Program("longest_rising", "numbers", "returns the length of the longest strictly rising subsequence in which "
                "neighbours differ by at most «M»",
                "best = []\nfor i, n in enumerate(numbers):\n    best.append(1 + max((best[j] for j in range(i) "
                "if 0 < n - numbers[j] <= «M»), default=0))\nreturn max(best)", ("0 < n", "0 <= n"),
                lambda c: [[c.randint(1, 9) for _ in range(14)]]),
        Program("power_tower", "a, b", "returns the last two decimal digits, as a number, of a to the power of "
            "(b to the "
                "power of «K»)", "return pow(a, b ** «K», 100)", ("b ** «K»", "b * «K»"),
                lambda c: [c.choice((3, 7, 13, 17, 19)), c.randint(3, 9)]),
        Program("knapsack", "items", "returns the greatest total value of items [weight, value], each used at "
            "most once, "
                "with a total weight of at most «M»",
                "best = [0] * («M» + 1)\nfor weight, value in items:\n    for room in range(«M», weight - 1, -1):\n"
                "        best[room] = max(best[room], best[room - weight] + value)\nreturn best[«M»]",
                ("range(«M», weight - 1, -1)", "range(weight, «M» + 1)"),
                lambda c: [[[c.randint(2, 5), c.randint(3, 30)] for _ in range(5)]]),
        Program("steps", "grid", "returns the least number of steps (up, down, left, right) from the top left to the "
                "bottom right of a grid of strings in which # is blocked, or -1",
                "seen, row, count = {(0, 0)}, [(0, 0)], 0\nwhile row:\n"
                "    if (len(grid) - 1, len(grid[0]) - 1) in row:\n        return count\n    count += 1\n    "
                "later = []\n"
                "    for y, x in row:\n        for p in ((y + 1, x), (y - 1, x), (y, x + 1), (y, x - 1)):\n"
                "            if p not in seen and 0 <= p[0] < len(grid) and 0 <= p[1] < len(grid[0]) and "
                "grid[p[0]][p[1]] != '#':\n                seen.add(p)\n                later.append(p)\n"
                "    row = later\nreturn -1", ("count = {(0, 0)}, [(0, 0)], 0", "count = {(0, 0)}, [(0, 0)], 1"),
                lambda c: [["." + "".join(c.choice("..#") for _ in range(3)), *("".join(c.choice("...#")
                            for _ in range(4)) for _ in range(2)), "".join(c.choice("..#") for _ in range(3)) + "."]]),
    ),
}  # fmt: skip

"""Chapter 04: what the judge knows of the zoo of rules and of undoing broadcasting."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np

from graders.diagnose import Mistake
from graders.exercises.tools import UNTOUCHED
from graders.keys import Key
from graders.keys.tools import careless, in_place, instead, value, vjps
from minigrad.rules import divide0

POWER = "Exercise 1, Logarithm and power"
KINK = "Exercise 2, A kink"
MANY = "Exercise 3, Many to one: sum and mean"
LENGTH = "Exercise 4, The length of a vector"
MATRIX = "Exercise 5, Matrix times matrix"
STRETCH = "Exercise 6, Undo broadcasting"


def sends(formula: Callable[..., Any]) -> Callable[[Any], Any]:
    """Make a mistaken rule of one vjp: `formula(g, out, *args)` is what it sends back."""
    return vjps(lambda right, args, out: [lambda g: formula(g, out, *args)])


def of(piece: str, *mistakes: Mistake) -> tuple[Mistake, ...]:
    """Mistakes of one piece of an exercise that has two: their names begin with it."""
    return tuple(replace(m, name=f"{piece}: {m.name}", piece=piece) for m in mistakes)


def general(section: str) -> tuple[Mistake, ...]:
    """What can go wrong in every rule of one argument."""
    return (
        Mistake(
            "the upstream gradient g is not used",
            "A vjp answers: g arrives at the value, what does the input get? Multiply the slope with g.",
            section,
            vjps(lambda right, args, out: [lambda g: right[0](np.ones_like(g))]),
        ),
        Mistake(
            "the chain factor is left out: g is handed on as it is",
            "g is what arrives at the value. On the way to the input it is multiplied with the slope of this operation.",
            section,
            sends(lambda g, out, a, *rest: g),
        ),
        Mistake(
            "the sign is flipped",
            "Raise the input a little: does the value go up or down? With g = 1 the gradient has that sign.",
            section,
            vjps(lambda right, args, out: [lambda g: -right[0](g)]),
        ),
        Mistake(
            "the vjp writes into g",
            "The same g may go to several inputs, so a vjp must leave it as it is. Write g * ..., not g *= ...",
            section,
            vjps(lambda right, args, out: [in_place(right[0])]),
        ),
        Mistake(
            "the slope is added to g, not multiplied with it",
            "The chain rule multiplies: g times the slope. A sum comes in only where several paths meet.",
            section,
            vjps(lambda right, args, out: [lambda g: g + right[0](np.ones_like(g))]),
        ),
        Mistake(
            "the value is sent back in place of the slope",
            "The value says where the function is, the slope how fast it moves. The vjp needs the slope, times g.",
            section,
            sends(lambda g, out, a, *rest: g * out),
        ),
    )


LOG_POW_MISTAKES = (
    *of(
        "log",
        *general(POWER),
        *careless(POWER, 1),
        Mistake(
            "the output is used where the input is needed",
            "The slope of the logarithm is 1 / a, with the a that went in. Do not divide by the value log(a).",
            POWER,
            sends(lambda g, out, a: g / out),
        ),
        Mistake(
            "g is multiplied with a, not divided by it",
            "At a = 20 the logarithm is flat: the slope is 1 / 20. Divide by a.",
            POWER,
            sends(lambda g, out, a: g * a),
        ),
        Mistake(
            "the slope is divided by a twice",
            "1 / a^2 belongs to the rule of 1 / a. The slope of the logarithm is 1 / a.",
            POWER,
            sends(lambda g, out, a: g / a**2),
        ),
        Mistake(
            "the rule of exp is used",
            "exp is its own slope. log is the inverse function of exp, and its slope is 1 / a.",
            POWER,
            sends(lambda g, out, a: g * np.exp(a)),
        ),
        Mistake(
            "the fraction is turned round",
            "The slope of the logarithm is 1 / a, times g. So g stands above the line and a below it.",
            POWER,
            sends(lambda g, out, a: a / g),
        ),
        Mistake(
            "another logarithm is taken",
            "np.log is the natural logarithm, and its slope is 1 / a. Other bases have another factor.",
            POWER,
            value(lambda a: np.log10(a)),
        ),
    ),
    *of(
        "pow",
        *general(POWER),
        *careless(POWER, 1),
        Mistake(
            "the factor n is left out",
            "In d(a^n) = n a^(n-1) da the old exponent comes down as a factor. Multiply by it.",
            POWER,
            sends(lambda g, out, a, n: g * a ** (n - 1)),
        ),
        Mistake(
            "the exponent is not lowered by 1",
            "In d(a^n) = n a^(n-1) da the new exponent is n - 1. For a^2 the slope is 2a, not 2a^2.",
            POWER,
            sends(lambda g, out, a, n: g * n * a**n),
        ),
        Mistake(
            "the slope of a^2 is used for every exponent",
            "2a is right for n = 2 only. The exponent is an argument: use it.",
            POWER,
            sends(lambda g, out, a, n: g * 2 * a),
        ),
        Mistake(
            "the slope is n times a",
            "n a is right for n = 2 only. In general it is n times a to the power n - 1.",
            POWER,
            sends(lambda g, out, a, n: g * n * a),
        ),
        Mistake(
            "the factor is n - 1",
            "First the old exponent comes down as a factor, then it is lowered. The factor is n.",
            POWER,
            sends(lambda g, out, a, n: g * (n - 1) * a ** (n - 1)),
        ),
        Mistake(
            "brackets are missing round the new exponent",
            "a ** n - 1 is (a ** n) - 1 to Python. Write a ** (n - 1).",
            POWER,
            sends(lambda g, out, a, n: g * (n * a**n - 1)),
        ),
        Mistake(
            "the power is taken for a product",
            "a ** n is a times itself, n times. a * n is another operation, with another slope.",
            POWER,
            lambda rule: lambda a, n: (a * n, lambda g: g * n),
        ),
        Mistake(
            "the base and the exponent are swapped",
            "In a ** n the argument a stands below. n ** a is another function.",
            POWER,
            value(lambda a, n: n**a),
        ),
        Mistake(
            "it is differentiated by the exponent",
            "a^n log(a) is the slope with respect to n. Here n is a constant and a moves.",
            POWER,
            sends(lambda g, out, a, n: g * out * np.log(a)),
        ),
        Mistake(
            "it is integrated",
            "a^(n+1) / (n+1) goes the other way. The slope is n a^(n-1).",
            POWER,
            sends(lambda g, out, a, n: g * a ** (n + 1) / (n + 1)),
        ),
    ),
    Mistake(
        "the sizes are mixed up: the slope of the logarithm is 1 / a",
        "Where u is 20, a step of 1 changes the logarithm by about 1 / 20. "
        "Where t is 4, it changes the square by about 2 times 4.",
        POWER,
        answers={"what 20 gets from the logarithm": 20.0, "what 4 gets from a^2": 16.0},
    ),
)

ABS_MISTAKES = (
    *general(KINK),
    *careless(KINK, 1),
    Mistake(
        "g is made positive",
        "|a| is about the sign of a, not of g. Multiply g with the sign of a.",
        KINK,
        sends(lambda g, out, a: np.abs(g)),
    ),
    Mistake(
        "negative entries get nothing",
        "On the left the line falls, with slope -1: it is not flat. This is the rule of relu.",
        KINK,
        sends(lambda g, out, a: g * (a > 0)),
    ),
    Mistake(
        "the gradient is multiplied with a",
        "The slope of |a| is -1 or 1, however large a is. Take the sign of a, not a.",
        KINK,
        sends(lambda g, out, a: g * a),
    ),
    Mistake(
        "the sign of the value is used",
        "The value |a| is never negative, so its sign says nothing. Take the sign of a.",
        KINK,
        sends(lambda g, out, a: g * np.sign(out)),
    ),
    Mistake(
        "only the sign of g is sent back",
        "g arrives with a size of its own. Multiply the whole of g with the sign of a.",
        KINK,
        sends(lambda g, out, a: np.sign(g)),
    ),
    Mistake(
        "the upstream gradient g is not used, and at the kink there is a slope",
        "A vjp multiplies the slope with g. And at 0 the slope is 0: np.sign(a) knows that.",
        KINK,
        sends(lambda g, out, a: np.where(a > 0, 1.0, -1.0)),
    ),
    Mistake(
        "the upstream gradient g is not used, and at the kink there is a slope",
        "A vjp multiplies the slope with g. And at 0 the slope is 0: np.sign(a) knows that.",
        KINK,
        sends(lambda g, out, a: np.where(a >= 0, 1.0, -1.0)),
    ),
    Mistake(
        "an array is asked a yes-or-no question",
        "`if a > 0` works for one number, and a has many, some of each sign. "
        "Use np.sign or np.where, which answer for every entry.",
        KINK,
        sends(lambda g, out, a: g if a > 0 else -g),
    ),
    Mistake(
        "the value is not made positive",
        "The first thing that a rule returns is its value. For abs it is np.abs(a).",
        KINK,
        value(lambda a: a),
    ),
    Mistake(
        "at the kink 1 is taken for the slope",
        "At 0 the slope is neither 1 nor -1. PyTorch sends 0, and np.sign(0) is 0.",
        KINK,
        sends(lambda g, out, a: g * np.where(a >= 0, 1.0, -1.0)),
    ),
    Mistake(
        "at the kink -1 is taken for the slope",
        "At 0 the slope is neither 1 nor -1. PyTorch sends 0, and np.sign(0) is 0.",
        KINK,
        sends(lambda g, out, a: g * np.where(a > 0, 1.0, -1.0)),
    ),
    Mistake(
        "a is divided by its size, also at 0",
        "a / |a| is the sign of a, but 0 / 0 is nan, and one nan spoils every gradient before it. Use np.sign.",
        KINK,
        sends(lambda g, out, a: g * a / np.abs(a)),
    ),
    Mistake(
        "the sign of g is used",
        "The slope belongs to a: np.sign(a). g comes in as a factor, with its own sign.",
        KINK,
        sends(lambda g, out, a: np.sign(g) * np.abs(a)),
    ),
    Mistake(
        "the falling side is forgotten",
        "Left of 0 a small step to the right makes |a| smaller. So the slope at -2 is -1.",
        KINK,
        answers={"what -2 gets": 5.0},
    ),
    Mistake(
        "at the kink a slope of 1 is expected",
        "At 0 there is no slope. PyTorch sends 0.",
        KINK,
        answers={"what 0 gets": 5.0},
    ),
)


def reduction(name: str) -> tuple[Mistake, ...]:
    """What can go wrong in the rule of a sum or a mean."""
    return of(
        name,
        *careless(MANY, 1),
        Mistake(
            "the upstream gradient g is not used",
            "A vjp answers: g arrives at the value, what does each entry get? Fill the shape with g times the slope.",
            MANY,
            vjps(lambda right, args, out: [lambda g: right[0](np.ones_like(g))]),
        ),
        Mistake(
            "the gradient is not spread back to the shape of a",
            "g is one number, and a has many entries, each of which gets its own. Use np.broadcast_to(..., shape).",
            MANY,
            vjps(lambda right, args, out: [lambda g: right[0](g).flat[0]]),
        ),
        Mistake(
            "the gradient comes as a flat list of numbers",
            "What an input gets has the input's own shape. Use a.shape, not a.size.",
            MANY,
            vjps(lambda right, args, out: [lambda g: right[0](g).ravel()]),
        ),
        Mistake(
            "the sign is flipped",
            "Raise one entry: the value goes up. So with g = 1 every entry gets a positive number.",
            MANY,
            vjps(lambda right, args, out: [lambda g: -right[0](g)]),
        ),
        Mistake(
            "g is multiplied with a",
            "An entry moves the value as much as its step, whatever its own size is. a does not belong in this vjp.",
            MANY,
            vjps(lambda right, args, out: [lambda g: right[0](g) * args[0]]),
        ),
        Mistake(
            "the value is sent back",
            "The value says how large the result is. Each entry gets g times the slope.",
            MANY,
            vjps(lambda right, args, out: [lambda g: right[0](g) * out]),
        ),
        Mistake(
            "only the first entry gets a gradient",
            "Every entry has a part in the value. So every entry gets a gradient.",
            MANY,
            vjps(lambda right, args, out: [lambda g: first_only(right[0](g))]),
        ),
        Mistake(
            "a is sent back in place of the gradient",
            "An entry moves the value as much as its step, whatever its own size is. Send g times the slope.",
            MANY,
            sends(lambda g, out, a: a),
        ),
        Mistake(
            "only the first axis is reduced",
            "The value is one single number. Reduce over all axes: a.sum() without an axis does.",
            MANY,
            value(lambda a: getattr(a, name)(axis=0)),
        ),
        Mistake(
            "it is divided by the length of the last axis only",
            "n is the number of all entries: a.size. a.shape[-1] counts the columns.",
            MANY,
            vjps(lambda right, args, out: [lambda g: np.broadcast_to(g / args[0].shape[-1], args[0].shape)]),
        ),
        Mistake(
            "it is divided by the number of axes",
            "n is the number of all entries: a.size. a.ndim is the number of axes.",
            MANY,
            vjps(lambda right, args, out: [lambda g: np.broadcast_to(g / args[0].ndim, args[0].shape)]),
        ),
        Mistake(
            "it is divided by n - 1",
            "n is the number of all entries: a.size. n - 1 belongs to the variance in statistics.",
            MANY,
            vjps(lambda right, args, out: [lambda g: np.broadcast_to(g / (args[0].size - 1), args[0].shape)]),
        ),
        Mistake(
            "it is divided by the length of the first axis only",
            "n is the number of all entries: a.size. len(a) counts the rows.",
            MANY,
            lambda rule: (
                lambda a: (
                    rule(a)[0],
                    lambda g: np.broadcast_to(g / len(a), a.shape),
                )
            ),
        ),
    )


def first_only(g: np.ndarray) -> np.ndarray:
    kept = np.zeros_like(g)
    kept.flat[0] = g.flat[0]
    return kept


SUM_MEAN_MISTAKES = (
    *reduction("sum"),
    *of(
        "sum",
        Mistake(
            "the rule of the mean is used",
            "A step of one entry moves the sum by the whole step. Nothing is divided.",
            MANY,
            sends(lambda g, out, a: np.broadcast_to(g / a.size, a.shape)),
        ),
        Mistake(
            "the value is a mean",
            "The first thing that a rule returns is its value. For sum it is a.sum(), and nothing is divided.",
            MANY,
            value(lambda a: a.mean()),
        ),
    ),
    *reduction("mean"),
    *of(
        "mean",
        Mistake(
            "the gradient is not divided by n",
            "The mean moves by a step divided by n, so each entry gets g / n. Without it this is the rule of the sum.",
            MANY,
            sends(lambda g, out, a: np.broadcast_to(g, a.shape)),
        ),
        Mistake(
            "the gradient is divided by n twice",
            "One entry moves the mean by its step divided by n. Divide by n once.",
            MANY,
            sends(lambda g, out, a: np.broadcast_to(g / a.size**2, a.shape)),
        ),
        Mistake(
            "the gradient is multiplied with n",
            "The more entries there are, the less each of them counts. Divide by n.",
            MANY,
            sends(lambda g, out, a: np.broadcast_to(g * a.size, a.shape)),
        ),
        Mistake(
            "the value is not divided by n",
            "The first thing that a rule returns is its value. The mean is the sum divided by the number of entries.",
            MANY,
            value(lambda a: a.sum()),
        ),
    ),
    Mistake(
        "a gradient is shared out among the entries of a sum",
        "A gradient is not shared out. A step of any entry moves the sum by the whole step, so each gets the whole of g.",
        MANY,
        answers={"what each entry gets from the sum": 2.0},
    ),
    Mistake(
        "the mean is taken for a sum",
        "A step of 1 in one of 4 entries moves the mean by 1 / 4 only. So each entry gets 8 / 4.",
        MANY,
        answers={"from the mean": 8.0},
    ),
)


def by_rows(a: np.ndarray) -> tuple:
    out = np.sqrt((a * a).sum(axis=-1, keepdims=True))
    return out, lambda g: g * divide0(a, out)


NORM_MISTAKES = (
    *careless(LENGTH, 1),
    Mistake(
        "the gradient is not divided by the norm",
        "The gradient points along a and has length 1. Divide a by its norm.",
        LENGTH,
        sends(lambda g, out, a: g * a),
    ),
    Mistake(
        "2a is sent back: the rule of the square of the norm",
        "2a is the gradient of the sum of squares. The root has a slope too, 1 / (2 ||a||): together a / ||a||.",
        LENGTH,
        sends(lambda g, out, a: g * 2 * a),
    ),
    Mistake(
        "the slope of the root is left half done",
        "The 2 of the square and the 1/2 of the root cancel. What is left is a / ||a||.",
        LENGTH,
        sends(lambda g, out, a: g * a / (2 * out)),
    ),
    Mistake(
        "the gradient is divided by the norm twice",
        "a / ||a|| has length 1, and that is all. Divide by the norm once.",
        LENGTH,
        sends(lambda g, out, a: g * a / out**2),
    ),
    Mistake(
        "at a = 0 the gradient is nan",
        "0 / 0 is nan, and one nan spoils every gradient before it. divide0(a, out) gives 0 there.",
        LENGTH,
        sends(lambda g, out, a: g * a / out),
    ),
    Mistake(
        "a is divided by each of its entries, not by the norm",
        "All entries are divided by the same number, the norm of the whole vector. Use out.",
        LENGTH,
        sends(lambda g, out, a: g * np.sign(a)),
    ),
    Mistake(
        "the input is used where the output is needed",
        "The gradient is a / ||a||: the vector over its norm. Take care which of the two is divided by which.",
        LENGTH,
        sends(lambda g, out, a: g * out / a),
    ),
    Mistake(
        "the squares are sent back in place of the entries",
        "The gradient points along a, with its signs. The squares belong to the value alone.",
        LENGTH,
        sends(lambda g, out, a: g * a * a / out),
    ),
    Mistake(
        "one number is sent back: 1 over the norm",
        "g is one number, and a has many entries. The gradient is a / ||a||, and has the shape of a.",
        LENGTH,
        sends(lambda g, out, a: g / out),
    ),
    Mistake(
        "the squares are forgotten",
        "The norm is the root of the sum of squares. Without the squares, numbers of opposite sign cancel.",
        LENGTH,
        lambda rule: lambda a: (np.sqrt(a.sum()), lambda g: g * divide0(a, np.sqrt(a.sum()))),
    ),
    Mistake(
        "each row has a norm of its own",
        "The norm of a matrix is here one number, over all entries. Sum without an axis.",
        LENGTH,
        lambda rule: lambda a: by_rows(a),
    ),
    Mistake(
        "every entry gets the same gradient",
        "A long entry moves the norm more than a short one. The gradient is in proportion to a.",
        LENGTH,
        sends(lambda g, out, a: np.broadcast_to(g, a.shape) / out),
    ),
    Mistake(
        "the upstream gradient g is not used",
        "A vjp answers: g arrives at the value, what does the input get? Multiply the slope with g.",
        LENGTH,
        vjps(lambda right, args, out: [lambda g: right[0](np.ones_like(g))]),
    ),
    Mistake(
        "the sign is flipped",
        "A step along a makes it longer. So with g = 1 the gradient points along a.",
        LENGTH,
        vjps(lambda right, args, out: [lambda g: -right[0](g)]),
    ),
    Mistake(
        "the gradient is not spread back to the shape of a",
        "g is one number, and a has many entries. "
        "Each of them gets its own number, so the gradient has the shape of a.",
        LENGTH,
        sends(lambda g, out, a: g),
    ),
    Mistake(
        "the root is forgotten",
        "The norm is the square root of the sum of squares. Without the root it has another value.",
        LENGTH,
        value(lambda a: (a * a).sum()),
    ),
    Mistake(
        "the root is forgotten, in the value and in the gradient",
        "The norm is the square root of the sum of squares. The root has a slope too, so the gradient changes with it.",
        LENGTH,
        lambda rule: lambda a: ((a * a).sum(), lambda g: g * 2 * a),
    ),
    Mistake(
        "the norm is taken for the sum of absolute values",
        "||a|| is the root of the sum of squares. The sum of absolute values is another norm.",
        LENGTH,
        lambda rule: lambda a: (np.abs(a).sum(), lambda g: g * np.sign(a)),
    ),
    Mistake(
        "it is not divided by the norm",
        "The gradient is g times a / ||a||. Here that is 3 times 2 / 3.",
        LENGTH,
        answers={"what the first 2 gets": 6.0},
    ),
    Mistake(
        "the local slope is given without g",
        "The slope is 2 / 3, and g = 3 arrives. What the entry gets is their product.",
        LENGTH,
        answers={"what the first 2 gets": 2 / 3},
    ),
)


def products(for_a: Callable[..., Any] | None = None, for_b: Callable[..., Any] | None = None) -> Callable[[Any], Any]:
    """Make a mistaken rule of a product: `for_a(g, a, b)` in place of the first vjp, `for_b` of the second."""
    return vjps(
        lambda right, args, out: [
            right[0] if for_a is None else lambda g: for_a(g, *args),
            right[1] if for_b is None else lambda g: for_b(g, *args),
        ]
    )


MM_MISTAKES = (
    *careless(MATRIX, 2),
    Mistake(
        "B is not transposed in the gradient of A",
        "A is (2, 3), G is (2, 4), B is (3, 4). Only G times B transposed has the shape of A.",
        MATRIX,
        products(for_a=lambda g, a, b: g @ b),
    ),
    Mistake(
        "A is not transposed in the gradient of B",
        "B is (3, 4), G is (2, 4), A is (2, 3). Only A transposed times G has the shape of B.",
        MATRIX,
        products(for_b=lambda g, a, b: a @ g),
    ),
    Mistake(
        "neither factor is transposed",
        "What goes forward through a matrix comes back through its transpose. That is the other factor, not g.",
        MATRIX,
        products(lambda g, a, b: g @ b, lambda g, a, b: a @ g),
    ),
    Mistake(
        "the gradients are transposed",
        "What an input gets has the input's own shape. Your results are right, but lie on their side.",
        MATRIX,
        products(lambda g, a, b: (g @ b.T).T, lambda g, a, b: (a.T @ g).T),
    ),
    Mistake(
        "the gradient of A is transposed",
        "What an input gets has the input's own shape. Your result is right, but lies on its side.",
        MATRIX,
        products(for_a=lambda g, a, b: b @ g.T),
    ),
    Mistake(
        "the gradient of B is transposed",
        "What an input gets has the input's own shape. Your result is right, but lies on its side.",
        MATRIX,
        products(for_b=lambda g, a, b: g.T @ a),
    ),
    Mistake(
        "the factors of the gradient of B are in the wrong order",
        "Matrices may not change places. A stands on the left of B, so A transposed stands on the left of G.",
        MATRIX,
        products(for_b=lambda g, a, b: g @ a.T),
    ),
    Mistake(
        "the factors of the gradient of A are in the wrong order",
        "Matrices may not change places. B stands on the right of A, so B transposed stands on the right of G.",
        MATRIX,
        products(for_a=lambda g, a, b: b.T @ g),
    ),
    Mistake(
        "the factors of both gradients are in the wrong order",
        "Matrices may not change places. B stays on the right, and A on the left.",
        MATRIX,
        products(lambda g, a, b: b.T @ g, lambda g, a, b: g @ a.T),
    ),
    Mistake(
        "the gradients of the two inputs are swapped",
        "The first vjp belongs to A and uses B. The second belongs to B and uses A.",
        MATRIX,
        vjps(lambda right, args, out: right[::-1]),
    ),
    Mistake(
        "the rule of the product of single numbers is used",
        "In A @ B each entry of A goes into a whole row of the value. Use @, and not *, in the vjps too.",
        MATRIX,
        products(lambda g, a, b: g * b, lambda g, a, b: g * a),
    ),
    Mistake(
        "g is transposed where the other factor should be",
        "g has the shape of the value and stays as it is. It is the other factor that is transposed.",
        MATRIX,
        products(lambda g, a, b: g.T @ b, lambda g, a, b: a @ g.T),
    ),
    Mistake(
        "the upstream gradient g is not used",
        "A vjp answers: G arrives at the value, what does the input get? G must be a factor of it.",
        MATRIX,
        vjps(lambda right, args, out: [lambda g, v=v: v(np.ones_like(g)) for v in right]),
    ),
    Mistake(
        "the upstream gradient g is not used, the other factor is sent back",
        "What comes back is a product of G and the other factor. Without G the chain rule stops here.",
        MATRIX,
        products(lambda g, a, b: b.T, lambda g, a, b: a.T),
    ),
    Mistake(
        "the upstream gradient g is not used, and the other factor is sent back as it is",
        "What comes back is a product of G and the other factor, transposed. Without G the chain rule stops here.",
        MATRIX,
        products(lambda g, a, b: b, lambda g, a, b: a),
    ),
    Mistake(
        "the vjp of A is used for both",
        "Each of the two has a formula of its own. For B it is A transposed, times G.",
        MATRIX,
        vjps(lambda right, args, out: [right[0], right[0]]),
    ),
    Mistake(
        "the vjp of B is used for both",
        "Each of the two has a formula of its own. For A it is G, times B transposed.",
        MATRIX,
        vjps(lambda right, args, out: [right[1], right[1]]),
    ),
    Mistake(
        "the transposed matrix is not asked for: its function is",
        "a.transpose is a function, and a.transpose() calls it. The short way to write it is a.T.",
        MATRIX,
        products(lambda g, a, b: g @ b.transpose, lambda g, a, b: a.transpose @ g),
    ),
    Mistake(
        "the sign is flipped",
        "Raise an entry of A where B is positive: the value goes up. There is no minus in this rule.",
        MATRIX,
        vjps(lambda right, args, out: [lambda g, v=v: -v(g) for v in right]),
    ),
    Mistake(
        "the value is multiplied entry by entry",
        "The value is the product of two matrices, a @ b. The sign * multiplies entry by entry.",
        MATRIX,
        value(lambda a, b: a * b),
    ),
    Mistake(
        "the shape is turned round",
        "What an input gets has the input's own shape. A has one row and two columns.",
        MATRIX,
        answers={"shape of what A gets": (2, 1)},
    ),
    Mistake(
        "the local slope is given without G",
        "The slope is 3, and G = 2 arrives. What A gets is their product.",
        MATRIX,
        answers={"what A gets, first entry": 3.0},
    ),
)


def summed(g: np.ndarray, axes: Any, shape: tuple[int, ...]) -> np.ndarray:
    """The sum over some axes, in the shape that is wanted where the entries allow it."""
    total = g.sum(axis=axes)
    return total.reshape(shape) if total.size == np.prod(shape, dtype=int) else total


def extra(g: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(range(g.ndim - len(shape)))


def ones(g: np.ndarray, shape: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(i for i, n in enumerate(shape, g.ndim - len(shape)) if n == 1)


def first_axis_then_ones(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    once = g.sum(axis=0) if g.ndim > len(shape) else g
    return once.sum(axis=tuple(i for i, n in enumerate(shape) if n == 1), keepdims=True)


UNBROADCAST_MISTAKES = (
    Mistake(
        "nothing is summed",
        "g has the shape of the result. Sum it over the axes that broadcasting stretched, down to the shape of the input.",
        STRETCH,
        instead(lambda g, shape: g),
    ),
    Mistake(
        "only the new axes in front are summed",
        "An axis of size 1 is stretched too. Sum over every axis where shape has a 1.",
        STRETCH,
        instead(lambda g, shape: g.sum(axis=extra(g, shape))),
    ),
    Mistake(
        "only the axes of size 1 are summed",
        "Axes that shape does not have at all were added in front. Sum over the first g.ndim - len(shape) axes too.",
        STRETCH,
        instead(lambda g, shape: g.sum(axis=ones(g, shape), keepdims=True)),
    ),
    Mistake(
        "the axes of size 1 are lost",
        "What an input gets has the input's own shape. Sum with keepdims=True, or reshape to shape at the end.",
        STRETCH,
        instead(lambda g, shape: g.sum(axis=(*extra(g, shape), *ones(g, shape)))),
    ),
    Mistake(
        "the mean is taken, not the sum",
        "Each copy of the entry moves the result on its own. The gradients of the copies are added, not averaged.",
        STRETCH,
        instead(lambda g, shape: g.mean(axis=(*extra(g, shape), *ones(g, shape))).reshape(shape)),
    ),
    Mistake(
        "one copy is taken, the others are dropped",
        "Every copy sends a gradient back. Sum over the copies, do not choose one of them.",
        STRETCH,
        instead(
            lambda g, shape: g[
                tuple(
                    0 if i in extra(g, shape) else slice(0, 1) if i in ones(g, shape) else slice(None)
                    for i in range(g.ndim)
                )
            ].reshape(shape)
        ),
    ),
    Mistake(
        "it is summed over the last axes, not over the first",
        "Shapes meet at their right ends, so missing axes are missing on the left. Sum over the first axes.",
        STRETCH,
        instead(
            lambda g, shape: summed(g, (*range(len(shape), g.ndim), *(i for i, n in enumerate(shape) if n == 1)), shape)
        ),
    ),
    Mistake(
        "the places of the axes of size 1 are counted without the new axes",
        "The new axes of g stand in front. So axis i of shape is axis i + extra of g.",
        STRETCH,
        instead(
            lambda g, shape: summed(g, tuple({*extra(g, shape), *(i for i, n in enumerate(shape) if n == 1)}), shape)
        ),
    ),
    Mistake(
        "the shape is forced by reshape",
        "reshape keeps all numbers, and here there are too many. Sum first, then reshape.",
        STRETCH,
        instead(lambda g, shape: g.reshape(shape)),
    ),
    Mistake(
        "g is stretched once more",
        "np.broadcast_to goes the same way as broadcasting, and this function goes back. Sum over the stretched axes.",
        STRETCH,
        instead(lambda g, shape: np.broadcast_to(g, shape)),
    ),
    Mistake(
        "g is cut",
        "The shape may be right, but the other copies are dropped. Use g.sum(axis=...), which adds them.",
        STRETCH,
        instead(lambda g, shape: g[tuple(slice(0, n) for n in shape)]),
    ),
    Mistake(
        "the values of g are not used",
        "What comes back is a sum of entries of g. Use g.sum(axis=...).",
        STRETCH,
        instead(lambda g, shape: np.ones(shape)),
    ),
    Mistake(
        "the largest copy is taken",
        "Every copy moves the result on its own, so the gradients are added. None of them is dropped.",
        STRETCH,
        instead(lambda g, shape: g.max(axis=(*extra(g, shape), *ones(g, shape))).reshape(shape)),
    ),
    Mistake(
        "nothing is returned",
        "A function without `return` gives None. Write `return` in front of the answer.",
        STRETCH,
        instead(lambda g, shape: None),
    ),
    Mistake(
        "only the first new axis is summed",
        "There may be several new axes. Sum over all of range(extra).",
        STRETCH,
        instead(first_axis_then_ones),
    ),
    Mistake(
        "everything is summed",
        "Only the stretched axes are summed. Along the others each entry has its own gradient.",
        STRETCH,
        instead(lambda g, shape: np.broadcast_to(g.sum(), shape)),
    ),
    Mistake(
        "it is summed over the wrong axis: the one that was not stretched",
        "Look where the shapes differ: that axis was stretched. Over that one the copies are added.",
        STRETCH,
        instead(lambda g, shape: wrong_axis(g, shape)),
    ),
    Mistake(
        "g is cut or repeated into the shape",
        "The shape is right, but the entries are not: nothing was added. Use g.sum(axis=...).",
        STRETCH,
        instead(lambda g, shape: np.resize(g, shape)),
    ),
    Mistake(
        "only the first new axis is summed",
        "There may be several new axes. Sum over all of range(extra).",
        STRETCH,
        instead(lambda g, shape: g.sum(axis=0) if g.ndim > len(shape) else g.sum(axis=ones(g, shape), keepdims=True)),
    ),
    Mistake(
        "the shape of g is expected",
        "What an input gets has the input's own shape. b has the shape (3,).",
        STRETCH,
        answers={"shape of what b gets": (2, 3)},
    ),
    Mistake(
        "the gradients of the copies are not added",
        "The first entry of b is used in both rows. So it gets 1 + 4.",
        STRETCH,
        answers={"what the first entry of b gets": 1.0},
    ),
    Mistake(
        "it is summed along the row",
        "b is used once for each row. Its first entry meets the first column: 1 + 4.",
        STRETCH,
        answers={"what the first entry of b gets": 6.0},
    ),
)


def wrong_axis(g: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    right = {*extra(g, shape), *ones(g, shape)}
    if not right:
        return g
    return summed(g, tuple(i for i in range(g.ndim) if i not in right), shape)


UNTOUCHED_BY = {f"{name}: {UNTOUCHED}": 0.5 for name in ("log", "pow")}
LOG = {"log: value": 0.5, "log: gradient": 3.0}  # the four gradients of pow are not worth more than the one of log

KEYS = {
    "log_and_pow": Key(3, LOG_POW_MISTAKES, weights={**UNTOUCHED_BY, **LOG, "pow, a whole exponent: value": 0.5}),
    "abs": Key(2, ABS_MISTAKES, weights={"abs: value": 0.5, f"abs: {UNTOUCHED}": 0.5}),
    "sum_and_mean": Key(3, SUM_MEAN_MISTAKES, weights={
        f"{name}, shape {shape}: value": 0.5 for name in ("sum", "mean") for shape in ((2, 3), (4,), (2, 1, 3))
    }),
    "norm": Key(2, NORM_MISTAKES, weights={
        "shape (2, 3): value": 0.5, "shape (4,): value": 0.5, "gradient of another vector, then of all zeros": 0.5,
    }),
    "mm": Key(3, MM_MISTAKES, weights={"value": 0.5}),
    "unbroadcast": Key(4, UNBROADCAST_MISTAKES),
}  # fmt: skip

"""Chapter 01: what the judge knows of can_require_grad, leaf, requires_grad_ and any_requires_grad."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

from graders.diagnose import ANY_TEXT, Mistake
from graders.keys import Key
from graders.keys.tools import instead
from minigrad import graph, tensors

FLOATS = "Exercise 1, Only numbers that can move"
BIRTH = "Exercise 2, How a leaf is born"
SWITCH = "Exercise 3, Switch it on later"
SPREAD = "Exercise 4, It spreads"


# ---- can_require_grad ----------------------------------------------------------------------------------------------

FLOAT_MISTAKES = (
    Mistake(
        "every element type is let through",
        "An integer cannot move by a small step, so it has no slope. Look at dtype.kind before you say True.",
        FLOATS,
        instead(lambda dtype: True),
    ),
    Mistake(
        "integers are let through",
        "Between 3 and 4 there is no other integer, so no small step is possible and there is no slope. "
        "Only floats can take one.",
        FLOATS,
        instead(lambda dtype: dtype.kind != "b"),
    ),
    Mistake(
        "unsigned integers are let through",
        "NumPy has two kinds of integers: 'i' with a sign, 'u' without. "
        "Ask for the kind that is right, not for those that are wrong.",
        FLOATS,
        instead(lambda dtype: dtype.kind not in "ib"),
    ),
    Mistake(
        "truth values are let through",
        "NumPy calls the kind of truth values 'b'. They can no more take a small step than integers can.",
        FLOATS,
        instead(lambda dtype: dtype.kind not in "iu"),
    ),
    Mistake(
        "only float32 is let through",
        "float32 is the usual type, and not the only float: there are float16 and float64. Their common kind is 'f'.",
        FLOATS,
        instead(lambda dtype: dtype.name == "float32"),
    ),
    Mistake(
        "only float64 is let through",
        "In NumPy `float` means float64 alone, and there are float16 and float32 as well. Their common kind is 'f'.",
        FLOATS,
        instead(lambda dtype: dtype.name == "float64"),
    ),
    Mistake(
        "float16 is left out",
        "float16 is short, but it is a float. All floats share the kind 'f'.",
        FLOATS,
        instead(lambda dtype: dtype.name in ("float32", "float64")),
    ),
    Mistake(
        "the answer is the wrong way round",
        "The function says True where a gradient is possible. That is for floats, and for nothing else.",
        FLOATS,
        instead(lambda dtype: dtype.kind != "f"),
    ),
    Mistake(
        "no element type is let through",
        "dtype is a description of a type, not a number, so it equals no number and no Python type. "
        "Ask for its letter, dtype.kind.",
        FLOATS,
        instead(lambda dtype: False),
    ),
    Mistake(
        "nothing is returned",
        "A function without `return` gives None. Write `return` in front of the answer.",
        FLOATS,
        instead(lambda *args, **options: None),
    ),
    Mistake(
        "integers are believed to have a gradient",
        "A slope asks what happens after a step as small as you like. From 3 the next integer is 4, a whole step away.",
        FLOATS,
        answers={"int64": True, "bool": True},
    ),
)


# ---- leaf ----------------------------------------------------------------------------------------------------------

REFUSAL = "Only Tensors of floating point and complex dtype can require gradients"


def born(
    refuse: Callable[[Any, bool], bool],
    flag: Callable[[Any, bool], bool] = lambda array, asked: asked,
    values: Callable[[Any], Any] = lambda array: array,
    text: str = REFUSAL,
    error: type[Exception] = RuntimeError,
) -> Callable[[Any], Any]:
    """Make a mistaken `leaf` from who is refused, with which error, and what the result is."""

    def mistaken(array: Any, requires_grad: bool = False) -> Any:
        if refuse(array, requires_grad):
            raise error(text)
        result = tensors.wrap(values(array))
        result._requires_grad = flag(array, requires_grad)
        return result

    return instead(mistaken)


def forgotten(result: Any) -> None:
    """The result of a function whose last line has no `return`."""


def right_to_refuse(array: Any, asked: bool) -> bool:
    return asked and array.dtype.kind != "f"


LEAF_MISTAKES = (
    Mistake(
        "nothing is refused",
        "A gradient for an integer makes no sense, and a silent one is worse than an error. "
        "Raise RuntimeError where requires_grad is asked for and can_require_grad says no.",
        BIRTH,
        born(lambda array, asked: False),
    ),
    Mistake(
        "the flag is dropped in silence where an error is due",
        "Whoever asks for the gradient of an integer made a mistake and must hear of it. Raise RuntimeError.",
        BIRTH,
        born(lambda array, asked: False, lambda array, asked: asked and array.dtype.kind == "f"),
    ),
    Mistake(
        "integers are refused even where no gradient is asked for",
        "An integer tensor is a good tensor: it only cannot require grad. "
        "Refuse when both hold: a gradient is asked for, "
        "and the type has none.",
        BIRTH,
        born(lambda array, asked: array.dtype.kind != "f"),
    ),
    Mistake(
        "the flag is never set",
        "The new tensor must remember what was asked for. Set result._requires_grad.",
        BIRTH,
        born(right_to_refuse, lambda array, asked: False),
    ),
    Mistake(
        "the flag is always set",
        "A tensor requires grad only when somebody asked for it. Set the flag to what the argument says.",
        BIRTH,
        born(right_to_refuse, lambda array, asked: True),
    ),
    Mistake(
        "the flag is the opposite of what was asked for",
        "requires_grad=True makes a tensor that requires grad. There is no `not` in this.",
        BIRTH,
        born(right_to_refuse, lambda array, asked: not asked),
    ),
    Mistake(
        "the condition of the refusal is the wrong way round",
        "can_require_grad says True for types that are welcome. Refuse where it says no.",
        BIRTH,
        born(lambda array, asked: asked and array.dtype.kind == "f"),
    ),
    Mistake(
        "the refusal is another kind of error",
        "PyTorch raises RuntimeError here, and code that catches it relies on that. Raise RuntimeError.",
        BIRTH,
        born(right_to_refuse, error=ValueError),
    ),
    Mistake(
        "the refusal is another kind of error (TypeError)",
        "PyTorch raises RuntimeError here, and code that catches it relies on that. Raise RuntimeError.",
        BIRTH,
        born(right_to_refuse, error=TypeError),
    ),
    Mistake(
        "the refusal says what requires_grad_() says",
        "The two texts differ: at birth it begins with a capital O and names complex types too. "
        "Copy it from the exercise.",
        BIRTH,
        born(right_to_refuse, text="only Tensors of floating point dtype can require gradients"),
    ),
    Mistake(
        "the error is returned, not raised",
        "`return` hands the error over as if it were a tensor, and the program goes on. Write `raise`.",
        BIRTH,
        lambda right: (
            lambda array, requires_grad=False: (
                RuntimeError(REFUSAL) if right_to_refuse(array, requires_grad) else right(array, requires_grad)
            )
        ),
    ),
    Mistake(
        "the refusal has a text of its own",
        "Code that reads the text counts on PyTorch's words. Copy them from the exercise, to the letter.",
        BIRTH,
        born(right_to_refuse, text=ANY_TEXT),
    ),
    Mistake(
        "nothing is returned",
        "A function without `return` gives None. Write `return` in front of the answer.",
        BIRTH,
        lambda right: lambda array, requires_grad=False: forgotten(right(array, requires_grad)),
    ),
    Mistake(
        "integers are believed to be no good at all",
        "An integer tensor is a good tensor: it only cannot require grad. mg.tensor([1, 10]) works.",
        BIRTH,
        answers={"integers": "error"},
    ),
    Mistake(
        "integers are turned into floats",
        "A leaf is made of the array as it is. Turning types is not asked for, and hides the caller's mistake.",
        BIRTH,
        born(
            lambda array, asked: False,
            values=lambda array: array if array.dtype.kind == "f" else array.astype("float32"),
        ),
    ),
)


# ---- any_requires_grad ---------------------------------------------------------------------------------------------


def is_tracked(x: Any) -> bool:
    return isinstance(x, tensors.Tensor) and x._requires_grad


def up_to_a_number(*inputs: Any) -> bool:
    return any(map(is_tracked, itertools.takewhile(lambda x: isinstance(x, tensors.Tensor), inputs)))


SPREAD_MISTAKES = (
    Mistake(
        "all inputs must require grad, where one is enough",
        "If one single input needs a gradient, the result must be followed, or that gradient is lost. The word is any.",
        SPREAD,
        instead(lambda *inputs: all(map(is_tracked, inputs))),
    ),
    Mistake(
        "all tensors must require grad, where one is enough",
        "If one single input needs a gradient, the result must be followed, or that gradient is lost. The word is any.",
        SPREAD,
        instead(lambda *inputs: all(x._requires_grad for x in inputs if isinstance(x, tensors.Tensor))),
    ),
    Mistake(
        "only the first input is asked",
        "x + y and y + x must be treated alike. Ask every input, and stop at the first that says yes, not at the "
        "first.",
        SPREAD,
        instead(lambda *inputs: is_tracked(inputs[0])),
    ),
    Mistake(
        "only the last input is asked",
        "x + y and y + x must be treated alike. A later input that says no must not undo an earlier yes.",
        SPREAD,
        instead(lambda *inputs: is_tracked(inputs[-1])),
    ),
    Mistake(
        "only two inputs are asked",
        "An operation may have three inputs or more. *inputs is a tuple: go through all of it.",
        SPREAD,
        instead(lambda *inputs: any(map(is_tracked, inputs[:2]))),
    ),
    Mistake(
        "numbers are asked for a flag that they do not have",
        "In x + 2 the 2 is a plain number, without requires_grad. Ask isinstance(x, Tensor) first.",
        SPREAD,
        instead(lambda *inputs: any(x.requires_grad for x in inputs)),
    ),
    Mistake(
        "every tensor counts, whether it requires grad or not",
        "A tensor may be made without requires_grad, and then nobody wants its gradient. Ask for its flag too.",
        SPREAD,
        instead(lambda *inputs: any(isinstance(x, tensors.Tensor) for x in inputs)),
    ),
    Mistake(
        "the answer is the wrong way round",
        "The function says True where at least one input requires grad. Your answer is the opposite in every case.",
        SPREAD,
        instead(lambda *inputs: not any(map(is_tracked, inputs))),
    ),
    Mistake(
        "exactly one input must require grad",
        "Two inputs that require grad are as good a reason as one. At least one is enough.",
        SPREAD,
        instead(lambda *inputs: sum(map(is_tracked, inputs)) == 1),
    ),
    Mistake(
        "the answer is always yes",
        "If no input requires grad, nobody will ask for a gradient and nothing need be recorded. "
        "After the loop, say False.",
        SPREAD,
        instead(lambda *inputs: True),
    ),
    Mistake(
        "the answer is always no",
        "One input that requires grad makes the result require grad. Look at the flag of every tensor.",
        SPREAD,
        instead(lambda *inputs: False),
    ),
    Mistake(
        "the first tensor decides for all",
        "A first tensor without the flag says nothing about the others. Say no only when all of them have been asked.",
        SPREAD,
        instead(lambda *inputs: next((x._requires_grad for x in inputs if isinstance(x, tensors.Tensor)), False)),
    ),
    Mistake(
        "the search ends at the first number",
        "In 2 + x a tensor may come after the number. Skip what is no tensor, and go on.",
        SPREAD,
        instead(up_to_a_number),
    ),
    Mistake(
        "nothing is returned",
        "A function without `return` gives None. Write `return` in front of the answer.",
        SPREAD,
        instead(lambda *args, **options: None),
    ),
    Mistake(
        "one tensor that requires no grad is believed to win",
        "z requires grad, so whatever is made from z must be followed. One input is enough.",
        SPREAD,
        answers={"x + z": False},
    ),
)


# ---- requires_grad_ ------------------------------------------------------------------------------------------------


def switched(
    off: Callable[[Any, bool], bool] = lambda x, value: not value and not x.is_leaf,
    kind: Callable[[Any, bool], bool] = lambda x, value: value and not graph.can_require_grad(x._array.dtype),
    new: Callable[[Any, bool], bool] = lambda x, value: value,
    texts: tuple[str, str] = (tensors.NOT_A_LEAF, "only Tensors of floating point dtype can require gradients"),
    first: bool = False,
    back: Callable[[Any], Any] = lambda x: x,
    error: type[Exception] = RuntimeError,
) -> Callable[[Any], Any]:
    """Make a mistaken `requires_grad_` from what it refuses and says, what it sets, whether first, what it returns."""

    def mistaken(self: Any, requires_grad: bool = True) -> Any:
        if first:
            self._requires_grad = requires_grad
        if kind(self, requires_grad):
            raise error(texts[1])
        if off(self, requires_grad):
            raise error(texts[0])
        self._requires_grad = new(self, requires_grad)
        return back(self)

    return instead(mistaken)


def never(x: Any, value: bool) -> bool:
    return False


def copy(x: Any) -> Any:
    other = tensors.wrap(x._array.copy())
    other._requires_grad = x._requires_grad
    return other


SWITCH_MISTAKES: tuple[Mistake, ...] = (
    Mistake(
        "integers can be switched on",
        "The rule of exercise 1 holds here too. Refuse where requires_grad is True and can_require_grad says no.",
        SWITCH,
        switched(kind=never),
    ),
    Mistake(
        "integers cannot even be switched off",
        "Switching off asks for nothing, so nothing is refused. Refuse the type only where requires_grad is True.",
        SWITCH,
        switched(kind=lambda x, value: not graph.can_require_grad(x._array.dtype)),
    ),
    Mistake(
        "results can be switched off",
        "A result requires grad because its inputs do: switched off, it would cut the path to them in silence. "
        "Refuse where requires_grad is False and self is no leaf.",
        SWITCH,
        switched(off=never),
    ),
    Mistake(
        "nothing is refused",
        "Two things are errors: switching on a type that has no gradient, and switching off a result. See the table.",
        SWITCH,
        switched(off=never, kind=never),
    ),
    Mistake(
        "results cannot be switched on",
        "A result that requires grad already stays as it is, and no error is due. "
        "Refuse only where requires_grad is False.",
        SWITCH,
        switched(off=lambda x, value: not x.is_leaf),
    ),
    Mistake(
        "leaves cannot be switched off",
        "You made the leaf, so you may change your mind. Only results are refused.",
        SWITCH,
        switched(off=lambda x, value: not value and x.is_leaf),
    ),
    Mistake(
        "nothing can be switched off",
        "Of a leaf, grad can be switched off at any time. Only results are refused.",
        SWITCH,
        switched(off=lambda x, value: not value),
    ),
    Mistake(
        "the flag is always set to True",
        "requires_grad_(False) switches off. Set the flag to the argument.",
        SWITCH,
        switched(new=lambda x, value: True),
    ),
    Mistake(
        "the flag is not changed at all",
        "The underscore says that the tensor itself changes. Set self._requires_grad.",
        SWITCH,
        switched(new=lambda x, value: x._requires_grad),
    ),
    Mistake(
        "the flag is turned over, whatever was asked for",
        "Whoever asks twice for True wants True. Set the flag to the argument.",
        SWITCH,
        switched(new=lambda x, value: not x._requires_grad),
    ),
    Mistake(
        "the flag is changed before the refusal",
        "After an error the tensor must be as it was. Refuse first, then set the flag.",
        SWITCH,
        switched(first=True),
    ),
    Mistake(
        "nothing is returned",
        "In t = mg.tensor([1., 2.]).requires_grad_() the name t gets what you return. Return self.",
        SWITCH,
        switched(back=lambda x: None),
    ),
    Mistake(
        "a copy is returned",
        "The underscore says in place: the tensor itself changes and comes back. Return self.",
        SWITCH,
        switched(back=copy),
    ),
    Mistake(
        "a copy is returned",
        "The underscore says in place: the tensor itself changes and comes back. Return self.",
        SWITCH,
        switched(new=lambda x, value: x._requires_grad, back=copy),
    ),
    Mistake(
        "the flag is returned, not the tensor",
        "In t = mg.tensor([1., 2.]).requires_grad_() the name t gets what you return. Return self.",
        SWITCH,
        switched(back=lambda x: x._requires_grad),
    ),
    Mistake(
        "the refusal is another kind of error",
        "PyTorch raises RuntimeError here, and code that catches it relies on that. Raise RuntimeError.",
        SWITCH,
        switched(error=ValueError),
    ),
    Mistake(
        "the refusal is another kind of error (TypeError)",
        "PyTorch raises RuntimeError here, and code that catches it relies on that. Raise RuntimeError.",
        SWITCH,
        switched(error=TypeError),
    ),
    Mistake(
        "the refusal says what mg.tensor says",
        "The two texts differ: here it begins with a small o and names no complex types. Copy it from the exercise.",
        SWITCH,
        switched(texts=(tensors.NOT_A_LEAF, REFUSAL)),
    ),
    Mistake(
        "the two refusals are mixed up",
        "NOT_A_LEAF is for switching off a result. The text about floating point is for types without a gradient.",
        SWITCH,
        switched(texts=("only Tensors of floating point dtype can require gradients", tensors.NOT_A_LEAF)),
    ),
    Mistake(
        "the refusals have texts of their own",
        "Code that reads the text counts on PyTorch's words. Use NOT_A_LEAF, and copy the other one from the exercise.",
        SWITCH,
        switched(texts=(ANY_TEXT, ANY_TEXT)),
    ),
    Mistake(
        "the refusal for an element type has a text of its own",
        "Code that reads the text counts on PyTorch's words. Copy them from the exercise, to the letter.",
        SWITCH,
        switched(texts=(tensors.NOT_A_LEAF, ANY_TEXT)),
    ),
    Mistake(
        "the refusal for a result has a text of its own",
        "Code that reads the text counts on PyTorch's words. Raise RuntimeError(NOT_A_LEAF).",
        SWITCH,
        switched(texts=(ANY_TEXT, "only Tensors of floating point dtype can require gradients")),
    ),
)

SWITCH_MISTAKES += (
    Mistake(
        "what is made by operations is believed to be a result for ever",
        "Nobody watched how a was made, since its inputs do not require grad. "
        "To autograd it is a leaf, and may be switched on.",
        SWITCH,
        answers={"a at the end": "error"},
    ),
)

KEYS = {
    "can_require_grad": Key(2, FLOAT_MISTAKES),
    "leaf": Key(3, LEAF_MISTAKES, weights={"the values": 0.5}),
    "any_requires_grad": Key(2, SPREAD_MISTAKES),
    "requires_grad_": Key(3, SWITCH_MISTAKES),
}

"""Chapter 02: what the judge knows of add, mul, record and is_leaf."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from graders.diagnose import Mistake
from graders.exercises.tools import UNTOUCHED
from graders.keys import Key
from graders.keys.tools import careless, in_place, instead, value, vjps
from minigrad import graph, tensors

ADD = "Exercise 1, Add"
MUL = "Exercise 2, Multiply"
RECORD = "Exercise 3, Remember the maker"
LEAF = "Exercise 4, Leaf or result"


# ---- mistakes of a rule -----------------------------------------------------------------------------------------


def rule_mistakes(section: str) -> tuple[Mistake, ...]:
    """What can go wrong in every rule."""
    return (
        Mistake(
            "the upstream gradient g is not used",
            "A vjp gets g, the gradient that arrives from above, and multiplies it with its own slope. "
            "Without g, the chain rule stops here.",
            section,
            vjps(lambda right, args, out: [lambda g, v=v: v(np.ones_like(g)) for v in right]),
        ),
        Mistake(
            "the sign of a gradient is flipped",
            "Raise one input a little: does the value go up or down? The gradient has that sign, times g.",
            section,
            vjps(lambda right, args, out: [lambda g, v=v: -v(g) for v in right]),
        ),
        Mistake(
            "the sign of the second gradient is flipped",
            "Raise b a little and leave a alone: the value goes up, as it does for a. "
            "A minus belongs to the rule of a subtraction.",
            section,
            vjps(lambda right, args, out: [right[0], lambda g: -right[1](g)]),
        ),
        Mistake(
            "the vjp sums g to a single number",
            "Each entry of the value comes from one entry of each input. "
            "So each entry of g goes back to its own place.",
            section,
            vjps(lambda right, args, out: [lambda g, v=v: v(np.sum(g)) for v in right]),
        ),
        Mistake(
            "the mean of g is sent back in place of g",
            "Each entry of the value comes from one entry of each input. "
            "So each entry of g goes back to its own place.",
            section,
            vjps(lambda right, args, out: [lambda g, v=v: v(np.mean(g)) for v in right]),
        ),
    )


def add_in_place(a: Any, b: Any) -> tuple:
    a += b
    return a, lambda g: g, lambda g: g


def mul_in_place(a: Any, b: Any) -> tuple:
    a *= b
    return a, lambda g: g * b, lambda g: g * a


ADD_MISTAKES = (
    *rule_mistakes(ADD),
    *careless(ADD, 2),
    Mistake(
        "the rule of a product is used for a sum",
        "In a + b each input moves the value one to one, whatever the other input is. "
        "So neither a nor b belongs in a vjp.",
        ADD,
        vjps(lambda right, args, out: [lambda g: g * args[1], lambda g: g * args[0]]),
    ),
    Mistake(
        "g is shared out between the two inputs",
        "A gradient is not shared out: each input moves the value on its own, with slope 1. Both get the whole of g.",
        ADD,
        vjps(lambda right, args, out: [lambda g: g / 2, lambda g: g / 2]),
    ),
    Mistake(
        "the input is added to g",
        "The vjp answers how much g matters for this input, not what the input is. For a sum it hands on g alone.",
        ADD,
        vjps(lambda right, args, out: [lambda g: g + args[0], lambda g: g + args[1]]),
    ),
    Mistake(
        "the other input is added to g",
        "The vjp answers how much g matters for this input, not what the inputs are. For a sum it hands on g alone.",
        ADD,
        vjps(lambda right, args, out: [lambda g: g + args[1], lambda g: g + args[0]]),
    ),
    Mistake(
        "g is multiplied with the input",
        "The slope of a + b with respect to a is 1, not a. So g goes through unchanged.",
        ADD,
        vjps(lambda right, args, out: [lambda g: g * args[0], lambda g: g * args[1]]),
    ),
    Mistake(
        "g is multiplied with the value",
        "The slope of a + b is 1 for both inputs. The value itself is no slope.",
        ADD,
        vjps(lambda right, args, out: [lambda g: g * out, lambda g: g * out]),
    ),
    Mistake(
        "the value is not the sum",
        "The first thing that a rule returns is the value of the operation. For add it is a + b.",
        ADD,
        value(lambda a, b: a * b),
    ),
    Mistake(
        "the input is sent back in place of g",
        "The slope of a + b with respect to a is 1, so a gets g itself. The value of a does not matter.",
        ADD,
        vjps(lambda right, args, out: [lambda g: args[0], lambda g: args[1]]),
    ),
    Mistake(
        "the value is computed in the memory of a",
        "a += b changes the array of the caller, who still needs it. Write a + b, which is a new array.",
        ADD,
        instead(add_in_place),
    ),
    Mistake(
        "2 * g is sent back",
        "Each input appears once in a + b, so each gets g once. If both are the same x, the engine adds the two up.",
        ADD,
        vjps(lambda right, args, out: [lambda g: 2 * g, lambda g: 2 * g]),
    ),
    Mistake(
        "the answer for a product is given",
        "In a + b the other input does not matter. Raise a by 0.001: by how much does a + b change?",
        ADD,
        answers={"what a gets from a + b": 15.0},
    ),
)

MUL_MISTAKES = (
    *rule_mistakes(MUL),
    *careless(MUL, 2),
    Mistake(
        "the gradients of the two inputs are swapped",
        "The slope of a * b with respect to a is the other factor, b. The first vjp belongs to a, the second to b.",
        MUL,
        vjps(lambda right, args, out: right[::-1]),
    ),
    Mistake(
        "the rule of a sum is used for a product",
        "A sum hands g on unchanged, a product multiplies it with the other factor. Your vjps do not use a and b.",
        MUL,
        vjps(lambda right, args, out: [lambda g: g, lambda g: g]),
    ),
    Mistake(
        "the factor is added to g, not multiplied with it",
        "The chain rule multiplies: g times the slope of this operation. A sum comes in only where paths meet.",
        MUL,
        vjps(lambda right, args, out: [lambda g: g + args[1], lambda g: g + args[0]]),
    ),
    Mistake(
        "g is multiplied with the value",
        "The slope of a * b with respect to a is b, not a * b. Leave out the factor that you differentiate by.",
        MUL,
        vjps(lambda right, args, out: [lambda g: g * out, lambda g: g * out]),
    ),
    Mistake(
        "the vjp writes into g",
        "The same g may go to several inputs, so a vjp must leave it as it is. Write g * b, not g *= b.",
        MUL,
        vjps(lambda right, args, out: [in_place(v) for v in right]),
    ),
    Mistake(
        "both gradients are multiplied with a",
        "Each input gets g times the other one. Only the gradient of b has the factor a.",
        MUL,
        vjps(lambda right, args, out: [right[1], right[1]]),
    ),
    Mistake(
        "both gradients are multiplied with b",
        "Each input gets g times the other one. Only the gradient of a has the factor b.",
        MUL,
        vjps(lambda right, args, out: [right[0], right[0]]),
    ),
    Mistake(
        "the upstream gradient g is not used, and the inputs are swapped",
        "The slope of a * b with respect to a is b, and what a gets is g times this slope. You send a back to a.",
        MUL,
        vjps(lambda right, args, out: [lambda g: args[0], lambda g: args[1]]),
    ),
    Mistake(
        "the product with the factor is summed to a single number",
        "Each entry of the value comes from one entry of each input. "
        "So g is multiplied entry by entry, and nothing is summed.",
        MUL,
        vjps(lambda right, args, out: [lambda g: np.sum(g * args[1]), lambda g: np.sum(g * args[0])]),
    ),
    Mistake(
        "the matrix product is used",
        "The value is a * b, entry by entry, so the vjps multiply entry by entry too. np.dot and @ belong to chapter 04.",
        MUL,
        vjps(
            lambda right, args, out: [
                lambda g: np.dot(g, np.transpose(args[1])),
                lambda g: np.dot(g, np.transpose(args[0])),
            ]
        ),
    ),
    Mistake(
        "g is divided by the factor",
        "Twice the factor makes the value move twice as far. So the factor multiplies g.",
        MUL,
        vjps(lambda right, args, out: [lambda g: g / args[1], lambda g: g / args[0]]),
    ),
    Mistake(
        "the value is not the product",
        "The first thing that a rule returns is the value of the operation. For mul it is a * b.",
        MUL,
        value(lambda a, b: a + b),
    ),
    Mistake(
        "the value is computed in the memory of a",
        "a *= b changes the array of the caller, and the vjp of b needs the old one. Write a * b, which is a new array.",
        MUL,
        instead(mul_in_place),
    ),
    Mistake(
        "the local slope is given without g",
        "The slope of a * b for a is b = 3. What arrives at a is this slope times g.",
        MUL,
        answers={"what a gets from a * b": 3.0},
    ),
    Mistake(
        "g is multiplied with a's own value",
        "The slope of a * b with respect to a is the other factor, b. So 5 is multiplied with 3.",
        MUL,
        answers={"what a gets from a * b": 10.0},
    ),
)


# ---- mistakes of record --------------------------------------------------------------------------------------------


def recorded(edges: Callable[..., tuple] | None = None, keep: Callable[..., Any] | None = None, *,
             maker: Any = None, flag: bool = True, fresh: bool = True) -> Callable[[Any], Any]:  # fmt: skip
    """Make a mistaken `record`: other edges, other things kept, another node, no flag."""

    def make(right: Any) -> Any:
        def mistaken(op: Any, inputs: tuple, value: Any, vjps: list) -> Any:
            node = (maker or op).node()
            node.edges = tuple(graph.edge(x) for x in inputs) if edges is None else edges(inputs)
            result = tensors.wrap(value)
            result._requires_grad = flag
            result._grad_fn = node if fresh else None
            if keep is None:
                node.keep(inputs, result, vjps)
            else:
                keep(node, inputs, result, vjps)
            return result

        return mistaken

    return make


def with_flag(result: Any, inputs: tuple) -> Any:
    result._requires_grad = all(isinstance(x, tensors.Tensor) and x._requires_grad for x in inputs)
    return result


def left_out(steps: Callable[[Any, tuple, Any], None], back: bool = True) -> Callable[[Any], Any]:
    """Make a mistaken `record`: `steps(op, inputs, result)` gives the result its node in the right one's place."""

    def mistaken(op: Any, inputs: tuple, value: Any, vjps: list) -> Any:
        result = tensors.wrap(value)
        result._requires_grad = True
        steps(op, inputs, result)
        if back:
            result._grad_fn.keep(inputs, result, vjps)
        return result

    return instead(mistaken)


def no_edges(op: Any, inputs: tuple, result: Any) -> None:
    result._grad_fn = op.node()


def inputs_as_edges(op: Any, inputs: tuple, result: Any) -> None:
    result._grad_fn = op.node()
    result._grad_fn.edges = inputs


def operation_as_maker(op: Any, inputs: tuple, result: Any) -> None:
    result._grad_fn = op


def class_as_maker(op: Any, inputs: tuple, result: Any) -> None:
    result._grad_fn = op.node


RECORD_MISTAKES = (
    Mistake(
        "the node gets no edges",
        "Without edges a gradient that arrives at the node has nowhere to go. Set node.edges before node.keep.",
        RECORD,
        left_out(no_edges),
    ),
    Mistake(
        "the edges hold the inputs, not their makers",
        "A gradient travels from node to node, not from tensor to tensor. edge(x) gives the node for x.",
        RECORD,
        left_out(inputs_as_edges),
    ),
    Mistake(
        "the operation is taken for the maker",
        "op is shared by all results of its kind. op.node() makes a node for this one result.",
        RECORD,
        left_out(operation_as_maker, back=False),
    ),
    Mistake(
        "the brackets of op.node() are missing",
        "op.node is the class, which all nodes of this kind share. op.node() makes one.",
        RECORD,
        left_out(class_as_maker, back=False),
    ),
    Mistake(
        "the result is not returned",
        "A function without `return` gives None. Return the result at the end.",
        RECORD,
        instead(lambda op, inputs, value, vjps: None),
    ),
    Mistake(
        "a result requires grad only where every input does",
        "record is called when at least one input is tracked, and that is enough. Set result._requires_grad to True.",
        RECORD,
        lambda right: lambda op, inputs, value, vjps: with_flag(right(op, inputs, value, vjps), inputs),
    ),
    Mistake(
        "the result does not get its node",
        "The node is made, but the result must hold on to it. Set result._grad_fn.",
        RECORD,
        recorded(fresh=False),
    ),
    Mistake(
        "the result does not require grad",
        "A result that has a maker is tracked like its inputs. Set result._requires_grad to True.",
        RECORD,
        recorded(flag=False),
    ),
    Mistake(
        "the edges are in the wrong order",
        "Edge number i leads to the maker of input number i. Go through the inputs from left to right.",
        RECORD,
        recorded(lambda inputs: tuple(graph.edge(x) for x in reversed(inputs))),
    ),
    Mistake(
        "inputs that need no gradient have no edge at all",
        "There is one edge for each input, and it is None where no gradient is needed. "
        "If it is left out, the gradients go to the wrong inputs.",
        RECORD,
        recorded(lambda inputs: tuple(e for e in map(graph.edge, inputs) if e is not None)),
    ),
    Mistake(
        "leaves have no edge",
        "A leaf has no grad_fn, but its gradient must go somewhere: to its AccumulateGrad. "
        "edge(x) gives the right node.",
        RECORD,
        recorded(lambda inputs: tuple(getattr(x, "grad_fn", None) for x in inputs)),
    ),
    Mistake(
        "only the first input has an edge",
        "Every input may need a gradient. Make an edge for each of them.",
        RECORD,
        recorded(lambda inputs: (graph.edge(inputs[0]), *(None for _ in inputs[1:]))),
    ),
    Mistake(
        "nothing is kept for the way back",
        "node.keep(inputs, result, vjps) stores what the vjps will need. Without it no gradient can pass.",
        RECORD,
        recorded(keep=lambda node, inputs, result, vjps: None),
    ),
    Mistake(
        "the vjps are kept in the wrong order",
        "The first vjp belongs to the first input. Hand the list on as it came.",
        RECORD,
        recorded(keep=lambda node, inputs, result, vjps: node.keep(inputs, result, vjps[::-1])),
    ),
    Mistake(
        "nothing is recorded: the bare value comes back",
        "record makes a Tensor around the value and gives it a node. Return that Tensor.",
        RECORD,
        lambda right: lambda op, inputs, value, vjps: value,
    ),
    Mistake(
        "the factor 3 is left out",
        "z = y * y * 3 has two multiplications. 3 * 3 is 9, and 9 * 3 is 27.",
        RECORD,
        answers={"z": 9.0},
    ),
    Mistake(
        "only one y is counted",
        "z = y * y * 3 takes y twice. 3 * 3 is 9, and 9 * 3 is 27.",
        RECORD,
        answers={"z": 18.0},
    ),
)


# ---- mistakes of is_leaf -------------------------------------------------------------------------------------------

LEAF_MISTAKES = (
    Mistake(
        "a leaf is taken for a tensor that requires grad",
        "Requiring grad and being a leaf are two questions. A leaf is a tensor that no recorded operation made.",
        LEAF,
        lambda right: lambda self: self._requires_grad,
    ),
    Mistake(
        "only tensors that require no grad count as leaves",
        "A leaf that requires grad is still a leaf: it is where its gradient ends up. Ask who made the tensor.",
        LEAF,
        lambda right: lambda self: not self._requires_grad,
    ),
    Mistake(
        "leaf and result are mixed up",
        "A result has a grad_fn, a leaf has none. Your answer is the opposite in every case.",
        LEAF,
        lambda right: lambda self: self._grad_fn is not None,
    ),
    Mistake(
        "a leaf must also require grad",
        "A tensor without requires_grad is a leaf too: no recorded operation made it. One question is enough.",
        LEAF,
        lambda right: lambda self: self._grad_fn is None and self._requires_grad,
    ),
    Mistake(
        "every tensor counts as a leaf",
        "A result that remembers its maker is no leaf. Look at grad_fn.",
        LEAF,
        lambda right: lambda self: True,
    ),
    Mistake(
        "no tensor counts as a leaf",
        "A tensor without a maker is a leaf. Compare grad_fn with None, by `is`.",
        LEAF,
        lambda right: lambda self: False,
    ),
    Mistake(
        "the question asks itself, without end",
        "self.is_leaf calls the function that you are writing, which calls it again. Ask self.grad_fn, which does not.",
        LEAF,
        lambda right: lambda self: self.is_leaf,
    ),
    Mistake(
        "nothing is returned",
        "A function without `return` gives None. Write `return` in front of the answer.",
        LEAF,
        lambda right: lambda self: None,
    ),
    Mistake(
        "a tensor that requires no grad is taken for a result",
        "v was made from w by an operation, but w requires no grad, so nothing was recorded. "
        "As far as autograd knows, nobody made v.",
        LEAF,
        answers={"v.is_leaf": False},
    ),
)

KEYS = {
    "add": Key(2, ADD_MISTAKES, weights={"value": 0.5, UNTOUCHED: 0.5}),
    "mul": Key(3, MUL_MISTAKES, weights={"value": 0.5, UNTOUCHED: 0.5}),
    "record": Key(4, RECORD_MISTAKES, weights={"the result holds the value": 0.5}),
    "is_leaf": Key(2, LEAF_MISTAKES),
}

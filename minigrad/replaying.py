"""Shows a backward step by step: every gradient that the engine sent, in the order in which it did.

`replay` runs the real backward on a Recorder, draws the graph once, and makes of each event a frame: which nodes wait,
are ready, fire or are done, which edges carry a gradient, and what lies in `.grad`. The player is HTML with a short
script and needs no kernel; where no script runs, a strip of pictures and the list of steps take its place.
"""
from __future__ import annotations

import copy
import dataclasses
import html
import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import graphviz

from . import engine, graph
from .drawing import THEMES, to_dot
from .recording import Event, Recorder, lines_of
from .scanning import Scan, grad_lines, scan
from .tensors import Tensor

NODES = 60  # more cannot be followed by eye
PICTURES = 12  # in the strip
SECONDS = 1.0  # for each frame while playing
TOO_LARGE = ("replay() shows every step, and this graph has more than {} nodes. Replay a smaller part, or call "
             "root.backward() and then minigrad.draw(root, grads=True). Nothing was run.")


@dataclasses.dataclass
class Frame:
    """One moment: what has just happened, and what is then to be seen in the picture.

    states: class in the SVG ("n3" for item 3, "e2" for link 2) -> "idle", "waits", "ready", "fires", "done" for nodes,
    "idle", "sends", "sent" for links. texts: class -> the lines of an item that can change.
    """

    caption: str
    kind: str
    states: dict[str, str]
    texts: dict[str, list[str]]


class Replay:
    """A recorded backward. events: what the engine did; frames: what is shown of it; `html()` and `svg()`: how."""

    def __init__(self, found: Scan, events: list[Event], direction: str, theme: str) -> None:
        self.found, self.events, self.theme = found, events, theme
        self.frames = list(self.make_frames())
        for event in events:
            if event.kind == "send" and (event.node, event.index) in found.edges:
                found.picture.links[found.edges[event.node, event.index]].flow = lines_of(event.g)
        for place, item in enumerate(found.picture.items):  # room for the longest of the texts that come
            versions = [frame.texts[f"n{place}"] for frame in self.frames if f"n{place}" in frame.texts]
            if versions:
                item.lines = max(versions, key=lambda lines: (len(lines), max(map(len, lines), default=0)))
        self.drawing = to_dot(found.picture, direction, theme)

    # ------------------------------------------------------------ frames
    def place(self, node: Any) -> int:
        """Where a node stands in the picture; one result of several stands where their node does."""
        return self.found.nodes[node.as_edge()[0]]

    def name(self, node: Any) -> str:
        """What a caption calls a node: with its place where several have the same name."""
        title = self.found.picture.items[self.place(node)].title
        several = sum(item.title == title for item in self.found.picture.items) > 1
        return f"{title} [{self.place(node)}]" if several else title

    def make_frames(self) -> Iterator[Frame]:
        """A frame for each event that can be seen."""
        to_come: dict[int, int] = {}  # place -> gradients that have yet to arrive there
        for event in self.events:
            if event.kind == "send":
                to_come[self.place(event.to)] = to_come.get(self.place(event.to), 0) + 1
        state = Frame("", "", {f"n{place}": "idle" for place in self.found.nodes.values()}, {})
        state.states |= {f"e{place}": "idle" for place in self.found.edges.values()}
        changing = [*self.found.nodes.values(), *[place for x, place in self.found.tensors.values() if grad_lines(x)]]
        state.texts = {f"n{place}": self.found.picture.items[place].lines for place in changing}
        for event in self.events:
            if type(event.node) is graph.Output and event.kind != "start":
                continue
            self.apply(event, state, to_come)
            state.kind = event.kind
            if event is self.events[-1]:
                self.finish(state)
            yield copy.deepcopy(state)

    def apply(self, event: Event, state: Frame, to_come: dict[int, int]) -> None:
        """Change the state by one event, and say in words what happens."""
        here, name, g = f"n{self.place(event.node)}", self.name(event.node), " ".join(lines_of(event.g))
        waiting = " ".join(lines_of(event.waiting))
        for key, now in state.states.items():
            state.states[key] = {"sends": "sent"}.get(now, now)
        if event.kind == "start":
            state.caption = f"Backward starts: {name} gets the gradient {g}."
            state.states[here] = "waits" if to_come.get(self.place(event.node)) else "ready"
        elif event.kind == "fire":
            state.states |= {key: "done" for key, now in state.states.items() if now == "fires"}
            state.states[here] = "fires"
            state.caption = f"{name} has its whole gradient, {g}, and fires."
        elif event.kind == "send":
            to = self.place(event.to)
            to_come[to] -= 1
            state.states[f"e{self.found.edges[event.node, event.index]}"] = "sends"
            state.states[f"n{to}"] = "waits" if to_come[to] else "ready"
            state.caption = (f"{name} sends {g} along its edge {event.index} to {self.name(event.to)}. There {waiting} "
                             f"waits; {'more' if to_come[to] else 'nothing more'} is to come.")
        elif event.kind == "free":
            state.caption = f"{name} frees what it had saved."
            state.texts[here] = [re.sub("^saves", "freed", line) for line in state.texts[here]]
        else:
            leaf = event.node.variable  # type: ignore[attr-defined]
            place = self.found.tensors[id(leaf)][1]
            old = state.texts[f"n{place}"]
            first = next(i for i, line in enumerate(old) if line.startswith("grad "))
            new = lines_of(event.waiting)
            state.texts[f"n{place}"] = [*old[:first], f"grad {new[0]}", *new[1:]]
            state.states[f"e{self.found.edges[event.node, 0]}"] = "sends"
            state.caption = f"The grad of {self.found.picture.items[place].title} was {g} and is now {waiting}."

    def finish(self, state: Frame) -> None:
        """After the last event: nothing fires any more, and every grad is as it is."""
        state.states = {key: {"fires": "done", "sends": "sent"}.get(now, now) for key, now in state.states.items()}
        for x, place in self.found.tensors.values():
            lines = state.texts.get(f"n{place}", [])
            first = next((i for i, line in enumerate(lines) if line.startswith("grad ")), None)
            if first is not None:
                state.texts[f"n{place}"] = [*lines[:first], *grad_lines(x)]

    # ------------------------------------------------------------ looks
    def words(self) -> str:
        """The steps as text, one on each line."""
        return "\n".join(f"{i}. {frame.caption}" for i, frame in enumerate(self.frames, 1))

    def svg(self) -> str:
        """A strip of still pictures: after each node has fired, and at the end."""
        before_fire = [i - 1 for i, frame in enumerate(self.frames) if frame.kind == "fire" and i]
        chosen = sorted({*before_fire[:PICTURES - 1], len(self.frames) - 1})
        base = self.base()
        width, height = [float(x) for x in re.findall(r'(?:width|height)="([\d.]+)pt"', base)[:2]]
        across = max(1, min(len(chosen), int(760 // (width + 20))))
        cells = []
        for i, k in enumerate(chosen):
            x, y = i % across * (width + 20), i // across * (height + 34)
            still = re.sub(r' (?:id|role)="[^"]*"|<(title|desc)>.*?</\1>\n?', "", self.at(base, k), flags=re.DOTALL)
            spot = rf'x="{x:g}" y="{y + 20:g}" \1" \2"'
            still = re.sub(r'(width="[\d.]+)pt" (height="[\d.]+)pt"', spot, still, count=1)
            cells.append(f'<text x="{x + 4:g}" y="{y + 14:g}" font-family="Helvetica,sans-serif" font-size="11" '
                         f'font-weight="bold" fill="{THEMES[self.theme].line}">after step {k + 1}</text>\n{still}')
        width, height = across * (width + 20), -(-len(chosen) // across) * (height + 34)
        return (f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" role="img" '
                f'class="minigrad-replay" width="{width:g}pt" height="{height:g}pt" '
                f'viewBox="0 0 {width:g} {height:g}">\n'
                f"<title>{html.escape(self.title())}</title>\n<desc>{html.escape(self.words())}</desc>\n"
                f"<style>{self.style()}</style>\n" + "\n".join(cells) + "\n</svg>")

    def html(self) -> str:
        """The player, with the strip in its place where no script runs."""
        changes, before = [], Frame("", "", {}, {})
        for frame in self.frames:
            changes.append({
                "caption": frame.caption,
                "states": {key: now for key, now in frame.states.items() if before.states.get(key) != now},
                "texts": {key: lines for key, lines in frame.texts.items() if before.texts.get(key) != lines}})
            before = frame
        data = json.dumps(changes, ensure_ascii=True).replace("<", "\\u003c")
        steps = "\n".join(f"<li>{html.escape(frame.caption)}</li>" for frame in self.frames)
        last = len(self.frames) - 1
        return PLAYER.format(title=html.escape(self.title()), style=self.style(), svg=self.at(self.base(), last),
                             last=last, strip=self.svg(), steps=steps, data=data, script=SCRIPT,
                             milliseconds=int(SECONDS * 1000))

    def title(self) -> str:
        """One line for those who cannot see the picture."""
        return f"Backward from {self.found.picture.items[0].title}, {len(self.frames)} steps"

    def style(self) -> str:
        """What the states look like."""
        return STYLE.replace("FLOW", THEMES[self.theme].flow)

    def base(self) -> str:
        """The drawing, with every line of text centred so that another can stand in its place."""
        svg = self.drawing.pipe("svg", encoding="utf-8")

        def centred(found: re.Match[str]) -> str:
            outline = " ".join(re.findall(r' (?:points|d)="([^"]*)"', found[0]))
            points = [float(x) for x in re.findall(r"([-\d.]+),[-\d.]+", outline)]
            middle = re.search(r'cx="([-\d.]+)"', found[0])
            x = float(middle[1]) if middle else (min(points) + max(points)) / 2
            return re.sub(r'text-anchor="start" x="[-\d.]+"', f'text-anchor="middle" x="{x:.2f}"', found[0])
        return re.sub(r'<g id="node\d+".*?</g>', centred, svg, flags=re.DOTALL)

    def at(self, base: str, k: int) -> str:
        """The drawing as it is in frame `k`."""
        frame = self.frames[k]

        def changed(found: re.Match[str]) -> str:
            lines = frame.texts.get(found[2])
            group = found[0].replace(f'class="{found[1]} {found[2]}"', f'class="{found[1]} {found[2]} '
                                     f'{frame.states.get(found[2], "")}"'.replace(' "', '"'))
            if lines is None:
                return group
            rest = iter([self.found.picture.items[int(found[2][1:])].title, *lines])
            return re.sub(r"(<text[^>]*>)[^<]*(</text>)", lambda m: m[1] + html.escape(next(rest, "")) + m[2], group)
        return re.sub(r'<g id="[^"]*" class="(node|edge) ([ne]\d+)".*?</g>', changed, base, flags=re.DOTALL)

    def _repr_mimebundle_(self, include: Any = None, exclude: Any = None, **_: Any) -> dict[str, str]:
        try:
            return {"text/html": self.html(), "image/svg+xml": self.svg(), "text/plain": self.words()}
        except (graphviz.ExecutableNotFound, subprocess.CalledProcessError, OSError) as error:
            return {"text/plain": f"{error}\n\n{self.words()}"}

    def __repr__(self) -> str:
        return self.words()


STYLE = """
.minigrad-replay .idle { opacity: .4 }
.minigrad-replay .waits { opacity: .75 }
.minigrad-replay .waits > :is(path, polygon, ellipse) { stroke-dasharray: 4 2 }
.minigrad-replay .ready > :is(path, polygon, ellipse) { stroke-width: 3 }
.minigrad-replay .fires > :is(path, polygon, ellipse) { stroke: FLOW; stroke-width: 4 }
.minigrad-replay .edge.idle text[fill="FLOW"] { visibility: hidden }
.minigrad-replay .sends > path { stroke: FLOW; stroke-width: 3 }
.minigrad-replay .sends > path + polygon { stroke: FLOW; fill: FLOW }
"""

PLAYER = """<div class="minigrad-replay" role="group" aria-label="{title}" tabindex="0"
 data-lm-suppress-shortcuts="true">
<style>{style}</style>
<div class="minigrad-player" style="display: none">
{svg}
<p class="minigrad-caption" aria-live="polite" style="min-height: 2.6em; margin: .5em 0"></p>
<div style="display: flex; gap: .5em; align-items: center; max-width: 40em">
<button type="button" data-do="back" aria-label="one step back">&#9664;</button>
<button type="button" data-do="play" style="min-width: 5em">Play</button>
<button type="button" data-do="next" aria-label="one step on">&#9654;</button>
<input type="range" min="0" max="{last}" value="{last}" step="1" aria-label="step" style="flex: 1">
<output></output>
</div></div>
<div class="minigrad-still">
{strip}
<ol>
{steps}
</ol></div>
<script type="application/json">{data}</script>
<script>{script}({milliseconds})</script>
</div>"""

SCRIPT = """((milliseconds) => {
  const root = document.currentScript.closest(".minigrad-replay"), find = (what) => root.querySelector(what);
  const frames = JSON.parse(find('script[type="application/json"]').textContent);
  const player = find(".minigrad-player"), slider = find("input"), play = find('[data-do="play"]');
  let now = frames.length - 1, timer = null;
  const show = (to) => {
    now = Math.max(0, Math.min(frames.length - 1, to));
    const states = {}, texts = {};
    for (const frame of frames.slice(0, now + 1)) {
      Object.assign(states, frame.states);
      Object.assign(texts, frame.texts);
    }
    for (const key in states) {
      const part = player.querySelector("g." + key);
      part.setAttribute("class", (key[0] == "n" ? "node " : "edge ") + key + " " + states[key]);
    }
    for (const key in texts) {
      const lines = player.querySelectorAll("g." + key + " text");
      for (let i = 1; i < lines.length; i++) lines[i].textContent = texts[key][i - 1] ?? "";
    }
    find(".minigrad-caption").textContent = frames[now].caption;
    find("output").textContent = (now + 1) + " / " + frames.length;
    slider.value = now;
  };
  const stop = () => { clearInterval(timer); timer = null; play.textContent = "Play"; };
  const start = () => {
    if (now == frames.length - 1) show(0);
    play.textContent = "Pause";
    timer = setInterval(() => { if (now == frames.length - 1) stop(); else show(now + 1); }, milliseconds);
  };
  const toggle = () => timer ? stop() : start();
  slider.addEventListener("input", () => { stop(); show(+slider.value); });
  find('[data-do="back"]').addEventListener("click", () => { stop(); show(now - 1); });
  find('[data-do="next"]').addEventListener("click", () => { stop(); show(now + 1); });
  play.addEventListener("click", toggle);
  root.addEventListener("keydown", (event) => {
    const move = {ArrowRight: 1, ArrowLeft: -1, Home: -now, End: frames.length}[event.key];
    if (move !== undefined) { stop(); show(now + move); }
    else if (event.key == " " && event.target.tagName != "BUTTON") toggle();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  find(".minigrad-still").remove();
  player.style.display = "";
  show(now);
})"""


def replay(root: Any, gradient: Any = None, retain_graph: bool = False, params: Any = None, *, names: Any = None,
           direction: str = "TB", theme: str = "auto") -> Replay:
    """Run `root.backward(gradient)` and show it step by step, in a player with a slider.

    This is the real backward, on whatever pieces are in place: `.grad` is added to and saved tensors are freed.
    params, names, direction, theme: as in `minigrad.draw`. Raises TypeError for what is not a minigrad Tensor,
    ValueError (before anything is run) for a graph of more than 60 nodes, and whatever backward raises.
    """
    if not isinstance(root, Tensor):
        raise TypeError(f"replay() needs a Tensor of minigrad, but got {type(root).__name__}")
    found = scan(root, params, names, limit=NODES)
    if any(item.role == "summary" for item in found.picture.items):
        raise ValueError(TOO_LARGE.format(NODES))
    task = Recorder(keep=retain_graph, record=False, accumulates=True)
    engine.run(task, engine.start(task, (root,), gradient), None)
    return Replay(found, task.events or [], direction, theme)

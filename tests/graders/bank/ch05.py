"""Chapter 05. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: sources}."""

RIGHT = {
    "order": [
        """
def order(roots):
    found, ahead = {}, list(roots)
    while ahead:
        node = ahead.pop(0)
        if node is None or node in found:
            continue
        found[node] = node.number
        ahead.extend(node.edges)
    return sorted(found, key=lambda node: -found[node])
""",
        """
def order(roots):
    # Kahn: a node is ready when all of its users have been listed.
    seen, stack, users = set(roots), list(set(roots)), {}
    while stack:
        for to, _ in stack.pop().next_functions:
            if to is not None:
                users[to] = users.get(to, 0) + 1
                if to not in seen:
                    seen.add(to)
                    stack.append(to)
    ready, result = [node for node in seen if node not in users], []
    while ready:
        node = ready.pop()
        result.append(node)
        for to in node.edges:
            if to is not None:
                users[to] -= 1
                if users[to] == 0:
                    ready.append(to)
    return result
""",
        """
def order(roots):
    # Depth first without calling itself, users after what they use; then turned round.
    done, result = set(), []
    stack = [(root, False) for root in roots]
    while stack:
        node, finished = stack.pop()
        if finished:
            result.append(node)
        elif node not in done:
            done.add(node)
            stack.append((node, True))
            stack += [(to, False) for to in node.edges if to is not None and to not in done]
    return result[::-1]
""",
        """
def order(roots):
    import heapq
    seen = set(roots)
    heap = [(-node.number, id(node), node) for node in seen]
    heapq.heapify(heap)
    result = []
    while heap:
        _, _, node = heapq.heappop(heap)
        result.append(node)
        for to in node.edges:
            if to is not None and to not in seen:
                seen.add(to)
                heapq.heappush(heap, (-to.number, id(to), to))
    return result
""",
        """
def order(roots):
    from collections import deque
    queue, seen = deque(roots), []
    known = set()
    while queue:
        node = queue.popleft()
        if id(node) in known:
            continue
        known.add(id(node))
        seen.append(node)
        queue.extend(to for to, _ in node.next_functions if to)
    seen.sort(key=lambda n: n.number)
    seen.reverse()
    return seen
""",
        """
def order(roots):
    nodes = {}
    todo = list(roots)
    while len(todo) > 0:
        node = todo[-1]
        del todo[-1]
        if node not in nodes:
            nodes[node] = True
            for to in node.edges:
                if to != None:
                    todo.append(to)
    return [n for _, n in sorted([(n.number, n) for n in nodes], key=lambda pair: pair[0], reverse=True)]
""",
        """
def order(roots):
    level, seen = set(roots), set(roots)
    while level:
        level = {to for node in level for to in node.edges if to is not None} - seen
        seen |= level
    return tuple(sorted(seen, key=attrgetter("number")))[::-1]
""",
        """
def order(roots):
    result, state = [], {}
    for root in roots:
        stack = [(root, iter(root.edges))]
        if root in state:
            continue
        state[root] = 1
        while stack:
            node, edges = stack[-1]
            for to in edges:
                if to is not None and to not in state:
                    state[to] = 1
                    stack.append((to, iter(to.edges)))
                    break
            else:
                stack.pop()
                result.insert(0, node)
    return result
""",
        """
def order(roots):
    numbers = {}
    stack = [*roots]
    while stack:
        node = stack.pop()
        numbers[node.number] = node
        stack += [to for to in node.edges if to is not None and to.number not in numbers]
    return [numbers[i] for i in sorted(numbers, reverse=True)]
""",
    ],
    "collect": [
        """
def collect(self, node, g):
    if node in self.pending:
        self.pending[node] = self.pending[node] + g
    else:
        self.pending[node] = g
""",
        """
def collect(self, node, g):
    self.pending[node] = self.pending.get(node, 0) + g
""",
        """
def collect(self, node, g):
    if node in self.pending:
        total = np.array(self.pending[node], copy=True)
        total += g
        self.pending[node] = total
    else:
        self.pending[node] = np.array(g, copy=True)
        self.owned.add(node)
""",
        """
def collect(self, node, g):
    self.pending[node] = np.add(self.pending[node], g) if node in self.pending else g
""",
        """
def collect(self, node, g):
    try:
        self.pending[node] = self.pending[node] + g
    except KeyError:
        self.pending[node] = g
""",
        """
def collect(self, node, g):
    waiting = self.pending.get(node)
    if waiting is None:
        self.pending[node] = g
    elif node in self.owned:
        waiting += g
        self.pending[node] = waiting
    else:
        self.pending[node] = waiting + g
        self.owned |= {node}
""",
        """
def collect(self, node, g):
    self.pending.setdefault(node, 0 * g)
    self.pending[node] = self.pending[node] + g
""",
        """
def collect(self, node, g):
    if node in self.pending:
        if node in self.owned and isinstance(self.pending[node], np.ndarray):
            np.add(self.pending[node], g, out=self.pending[node])
        else:
            self.pending[node] = np.sum([self.pending[node], g], axis=0)
            self.owned.add(node)
        return
    self.pending[node] = g
""",
        """
def collect(self, node, g):
    parts = [self.pending[node]] if node in self.pending else []
    parts.append(g)
    total = 0
    for part in parts:
        total = total + part
    self.pending[node] = total
""",
        """
def collect(self, node, g):
    old = self.pending.pop(node, None)
    self.pending[node] = g if old is None else old - (-g)
""",
    ],
    "walk": [
        """
def walk(nodes, task):
    for node in nodes:
        g = task.pending.pop(node, None)
        if g is None:
            continue
        g = task.arrive(node, g)
        for before, part in list(node.backward(g, task)):
            task.collect(before, part)
""",
        """
def walk(nodes, task):
    ahead = list(nodes)
    while ahead:
        node = ahead.pop(0)
        if node not in task.pending:
            continue
        waiting = task.pending[node]
        del task.pending[node]
        for pair in node.backward(task.arrive(node, waiting), task):
            task.collect(*pair)
""",
        """
def walk(nodes, task):
    for node in list(nodes):
        if not node in task.pending:
            continue
        g = task.pending[node]
        g = task.arrive(node, g)
        pairs = node.backward(g, task)
        for to, part in pairs:
            task.collect(to, part)
""",
        """
def walk(nodes, task):
    for node in nodes:
        try:
            g = task.pending.pop(node)
        except KeyError:
            continue
        [task.collect(to, part) for to, part in node.backward(task.arrive(node, g), task)]
""",
        """
def walk(nodes, task):
    it = iter(nodes)
    while True:
        try:
            node = next(it)
        except StopIteration:
            return
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for pair in tuple(node.backward(g, task)):
                task.collect(pair[0], pair[1])
""",
        """
def walk(nodes, task):
    i = 0
    while i < len(nodes):
        node = nodes[i]
        i += 1
        if node in task.pending:
            waiting = task.arrive(node, task.pending.pop(node))
            sent = dict(enumerate(node.backward(waiting, task)))
            for key in sent:
                to, part = sent[key]
                task.collect(to, part)
""",
        """
def walk(nodes, task):
    def visit(i):
        if i == len(nodes):
            return
        if nodes[i] in task.pending:
            g = task.arrive(nodes[i], task.pending.pop(nodes[i]))
            for to, part in node_parts(nodes[i], g):
                task.collect(to, part)
        visit(i + 1)
    def node_parts(node, g):
        return list(node.backward(g, task))
    visit(0)
""",
        """
def walk(nodes, task):
    for node in filter(lambda n: n in task.pending, nodes):
        g = task.arrive(node, task.pending.pop(node))
        for to, part in node.backward(g, task):
            task.collect(to, part * 1.0)
""",
    ],
    "gradients": [
        """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = []
    for x in inputs:
        targets.append(target(x))
        task.captured[targets[-1]] = None
    run(task, roots, targets)
    return [task.captured.get(node) for node in targets]
""",
        """
def gradients(task, outputs, grads, inputs):
    task.captured = {graph.edge(x): None for x in inputs}
    nodes = engine.order(start(task, outputs, grads))
    engine.walk(nodes, task)
    result = []
    for x in inputs:
        result += [task.captured[graph.edge(x)]]
    return result
""",
        """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = list(map(target, inputs))
    task.captured = {t: None for t in targets}
    run(task, roots, targets)
    return list(map(task.captured.__getitem__, targets))
""",
        """
def gradients(task, outputs, grads, inputs):
    targets = [target(x) for x in inputs]
    task.captured.update(dict.fromkeys(targets))
    run(task, start(task, outputs, grads), targets)
    return tuple(task.captured[t] for t in targets)
""",
        """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    for x in inputs:
        task.captured[target(x)] = None
    run(task, roots, list(task.captured))
    return [task.captured[target(x)] for x in inputs]
""",
        """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = []
    for x in inputs:
        node = target(x)
        if node not in targets:
            targets.append(node)
            task.captured[node] = None
    run(task, roots, targets)
    answer = []
    for x in inputs:
        answer.append(task.captured[target(x)])
    return answer
""",
        """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict(zip(targets, [None] * len(targets)))
    run(task, roots, None)
    return [task.captured[node] for node in targets]
""",
        """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [x.grad_fn if x.grad_fn is not None else graph.edge(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [None if task.captured[n] is None else task.captured[n] for n in targets]
""",
    ],
}

WRONG = {
    "order": {
        "the oldest node comes first": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=lambda node: node.number)
""",
        ],
        "the nodes are left in the order in which they were found": [
            """
def order(roots):
    found = list(roots)
    for node in found:
        for to in node.edges:
            if to is not None and to not in found:
                found.append(to)
    return found
""",
        ],
        "a shared node is listed once for each path": [
            """
def order(roots):
    found = list(roots)
    for node in found:
        for to in node.edges:
            if to is not None:
                found.append(to)
    return sorted(found, key=lambda node: node.number, reverse=True)
""",
        ],
        "the roots are left out": [
            """
def order(roots):
    seen, stack = set(), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen - set(roots), key=attrgetter("number"), reverse=True)
""",
        ],
        "only the first edge of each node is followed": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None:
                if to not in seen:
                    seen.add(to)
                    stack.append(to)
                break
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        ],
        "the function calls itself, which a long chain does not allow": [
            """
def order(roots):
    seen = set()
    def visit(node):
        if node in seen:
            return
        seen.add(node)
        for to in node.edges:
            if to is not None:
                visit(to)
    for root in roots:
        visit(root)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
            """
def order(roots):
    seen, result = set(), []
    def visit(node):
        if node is None or node in seen:
            return
        seen.add(node)
        for to in node.edges:
            visit(to)
        result.append(node)
    for root in roots:
        visit(root)
    return result[::-1]
""",
        ],
        "edges that are None are followed": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        ],
        "the leaves are left out": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to.edges and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        ],
        "only the first root is used": [
            """
def order(roots):
    seen, stack = {roots[0]}, [roots[0]]
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        ],
        "the nodes are left in the order of a function that calls itself": [
            """
def order(roots):
    found = []
    def visit(node):
        if node is None or node in found:
            return
        found.append(node)
        for to in node.edges:
            visit(to)
    for root in roots:
        visit(root)
    return found
""",
        ],
        "only the last edge of each node is followed": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        edges = [to for to in stack.pop().edges if to is not None]
        if edges and edges[-1] not in seen:
            seen.add(edges[-1])
            stack.append(edges[-1])
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        ],
        "only one step is taken from the roots": [
            """
def order(roots):
    seen = set(roots)
    for root in roots:
        for to in root.edges:
            if to is not None:
                seen.add(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        ],
        "nothing is returned": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    list(seen).sort(key=attrgetter("number"), reverse=True)
""",
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return list(seen).sort(key=attrgetter("number"), reverse=True)
""",
        ],
        "what is used comes before its users, from a function that calls itself": [
            """
def order(roots):
    seen, result = set(), []
    def visit(node):
        if node is None or node in seen:
            return
        seen.add(node)
        for to in node.edges:
            visit(to)
        result.append(node)
    for root in roots:
        visit(root)
    return result
""",
        ],
        "the nodes are left in the order in which they are taken from the list": [
            """
def order(roots):
    found, stack = [], list(roots)
    while stack:
        node = stack.pop()
        if node not in found:
            found.append(node)
            stack += [to for to in node.edges if to is not None]
    return found
""",
        ],
        "only the roots are listed": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while len(stack) > 1:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        ],
        "the names of the nodes are listed": [
            """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return [type(n).__name__ for n in sorted(seen, key=attrgetter("number"), reverse=True)]
""",
        ],
    },
    "collect": {
        "the gradient overwrites the one that waits": [
            """
def collect(self, node, g):
    self.pending[node] = g
""",
        ],
        "only the first gradient is kept": [
            """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
    else:
        self.pending[node] + g
""",
            """
def collect(self, node, g):
    if node in self.pending:
        total = self.pending[node] + g
    else:
        self.pending[node] = g
""",
        ],
        "it writes into an array that somebody else holds": [
            """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
        self.owned.add(node)
    elif node in self.owned:
        self.pending[node] += g
    else:
        self.pending[node] = self.pending[node] + g
""",
            """
def collect(self, node, g):
    if node in self.pending:
        self.pending[node] += g
    else:
        self.pending[node] = g
""",
            """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
        return
    if node not in self.owned:
        self.pending[node] += g
    else:
        self.pending[node] = self.pending[node] + g
    self.owned.add(node)
""",
        ],
        "the first gradient is counted twice": [
            """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
    self.pending[node] = self.pending[node] + g
""",
        ],
        "the mean is taken, not the sum": [
            """
def collect(self, node, g):
    if node in self.pending:
        g = (self.pending[node] + g) / 2
    self.pending[node] = g
""",
        ],
        "a node at which nothing waits yet is not expected": [
            """
def collect(self, node, g):
    self.pending[node] = self.pending[node] + g
""",
        ],
        "the gradients are multiplied": [
            """
def collect(self, node, g):
    self.pending[node] = self.pending.get(node, 1.0) * g
""",
        ],
        "it writes into the gradient that arrives": [
            """
def collect(self, node, g):
    if node in self.pending:
        g += self.pending[node]
    self.pending[node] = g
""",
        ],
        "the gradients are subtracted": [
            """
def collect(self, node, g):
    self.pending[node] = self.pending[node] - g if node in self.pending else g
""",
        ],
        "the larger gradient is kept": [
            """
def collect(self, node, g):
    self.pending[node] = np.maximum(self.pending[node], g) if node in self.pending else g
""",
        ],
        "the second gradient is dropped where the array is not owned": [
            """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
    elif node in self.owned:
        self.pending[node] = self.pending[node] + g
""",
        ],
        "what waits is overwritten where it is owned": [
            """
def collect(self, node, g):
    if node in self.owned:
        self.pending[node] = g
    elif node in self.pending:
        self.pending[node] = self.pending[node] + g
        self.owned.add(node)
    else:
        self.pending[node] = g
""",
        ],
        "a list of gradients waits, not their sum": [
            """
def collect(self, node, g):
    self.pending.setdefault(node, []).append(g)
""",
        ],
        "what waits is doubled": [
            """
def collect(self, node, g):
    if node in self.pending:
        self.pending[node] = self.pending[node] + self.pending[node]
    else:
        self.pending[node] = g
""",
        ],
        "g is counted twice": [
            """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = np.zeros_like(g)
    self.pending[node] += 2 * g
""",
        ],
        "g is added at every node that waits": [
            """
def collect(self, node, g):
    for other in list(self.pending):
        self.pending[other] = self.pending[other] + g
    if node not in self.pending:
        self.pending[node] = g
""",
        ],
        "the other nodes are forgotten": [
            """
def collect(self, node, g):
    self.pending = {node: self.pending.get(node, 0) + g}
""",
        ],
    },
    "walk": {
        "a gradient overwrites the one that waits": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.pending[to] = part
""",
        ],
        "the nodes are walked from the oldest to the newest": [
            """
def walk(nodes, task):
    for node in reversed(nodes):
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
""",
        ],
        "a node sends before its gradient is complete, once for each path": [
            """
def walk(nodes, task):
    ahead = [nodes[0]]
    while ahead:
        node = ahead.pop()
        g = task.arrive(node, task.pending[node])
        for to, part in node.backward(g, task):
            task.collect(to, part)
            ahead.append(to)
""",
            """
def walk(nodes, task):
    def go(node):
        g = task.arrive(node, task.pending[node])
        for to, part in node.backward(g, task):
            task.collect(to, part)
            go(to)
    go(nodes[0])
""",
        ],
        "each path is followed by itself, and only the last one counts": [
            """
def walk(nodes, task):
    def follow(node, g):
        g = task.arrive(node, g)
        for to, part in node.backward(g, task):
            follow(to, part)
    for node, g in list(task.pending.items()):
        follow(node, g)
""",
        ],
        "the upstream gradient is not used": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(np.ones_like(g), task):
                task.collect(to, part)
""",
        ],
        "the chain factor is left out: g is sent on in place of the node's answer": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, g)
""",
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to in node.edges:
                if to is not None:
                    task.collect(to, g)
""",
        ],
        "only the first edge of each node gets its gradient": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
                break
""",
        ],
        "nobody is told that a gradient has arrived": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            for to, part in node.backward(task.pending.pop(node), task):
                task.collect(to, part)
""",
        ],
        "something is expected to wait at every node": [
            """
def walk(nodes, task):
    for node in nodes:
        g = task.arrive(node, task.pending.pop(node))
        for to, part in node.backward(g, task):
            task.collect(to, part)
""",
        ],
        "the walk stops at the first node at which nothing arrives": [
            """
def walk(nodes, task):
    for node in nodes:
        if node not in task.pending:
            break
        g = task.arrive(node, task.pending.pop(node))
        for to, part in node.backward(g, task):
            task.collect(to, part)
""",
        ],
        "it adds in place into a gradient that somebody else holds": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                if to in task.pending:
                    task.pending[to] += part
                else:
                    task.pending[to] = part
""",
        ],
        "only the last edge of each node gets its gradient": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                pass
            if node.edges:
                task.collect(to, part)
""",
        ],
        "a gradient is handed out before it is complete": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.pending.pop(node)
            for to, part in node.backward(g, task):
                task.collect(to, part)
                task.arrive(to, part)
""",
        ],
        "the walk ends after the first node": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
        return
""",
        ],
        "what a node sends does not reach the nodes before it": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(node, part)
""",
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            node.backward(g, task)
""",
        ],
        "a gradient is shared out among the edges": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            pairs = list(node.backward(g, task))
            for to, part in pairs:
                task.collect(to, part / len(pairs))
""",
        ],
        "the first node is left out": [
            """
def walk(nodes, task):
    for node in nodes[1:]:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
""",
        ],
        "the last node is left out": [
            """
def walk(nodes, task):
    for node in nodes[:-1]:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
""",
        ],
        "g is multiplied in twice": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part * g)
""",
        ],
        "the pairs are taken the wrong way round": [
            """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for part, to in node.backward(g, task):
                task.collect(to, part)
""",
        ],
    },
    "gradients": {
        "the gradients that the walk starts with are left out": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, None)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
        ],
        "an input that is not used gets zeros, not None": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [np.zeros(node.shape) if task.captured[node] is None else task.captured[node] for node in targets]
""",
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = {node: np.zeros(node.shape) for node in targets}
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets, 0)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
        ],
        "task.captured is filled with keys only after the walk": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    run(task, roots, targets)
    task.captured = dict.fromkeys(targets)
    return [task.captured[node] for node in targets]
""",
        ],
        "the values of captured are returned as they are": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return list(task.captured.values())
""",
        ],
        "the gradients come in the opposite order": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    result = []
    for node in targets:
        result.insert(0, task.captured[node])
    return result
""",
        ],
        "only the first result is used": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs[:1], grads and grads[:1])
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, (outputs[0],), None if grads is None else (grads[0],))
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
        ],
        "inputs that are not used are left out": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [g for g in task.captured.values() if g is not None] if len(set(targets)) == len(targets) else [
        task.captured[n] for n in targets if task.captured[n] is not None]
""",
        ],
        "the gradient is looked for in .grad": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [x.grad for x in inputs]
""",
        ],
        "the gradients that the walk starts with are not used": [
            """
def gradients(task, outputs, grads, inputs):
    from minigrad import tensors
    roots = start(task, outputs, tuple(tensors.wrap(np.ones_like(y._array)) for y in outputs))
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
        ],
        "task.captured has the inputs as keys, not their nodes": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(inputs)
    run(task, roots, targets)
    return [task.captured[x] for x in inputs]
""",
        ],
        "only the gradient of the first input is returned": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    for node in targets:
        return task.captured[node]
""",
        ],
        "run is not called": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    return [task.captured[node] for node in targets]
""",
        ],
        "the gradients are written into .grad": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    for x, node in zip(inputs, targets):
        x._grad = task.captured[node]
    return [x._grad for x in inputs]
""",
        ],
        "the dict is returned": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return task.captured
""",
        ],
        "the keys of task.captured are never set": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    run(task, roots, targets)
    return [task.captured.get(node) for node in targets]
""",
        ],
        "the keys of task.captured are never set, and then looked up": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
        ],
        "nothing is returned": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    [task.captured[node] for node in targets]
""",
        ],
        "the gradients come in the order of the nodes": [
            """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in sorted(task.captured, key=lambda n: n.number)]
""",
        ],
    },
}

"""Chapter 05. RIGHT: exercise -> sources. WRONG: exercise -> {mistake as the check names it: source}."""

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
    ],
}

WRONG = {
    "order": {
        "the oldest node comes first": """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=lambda node: node.number)
""",
        "the nodes are left in the order in which they were found": """
def order(roots):
    found = list(roots)
    for node in found:
        for to in node.edges:
            if to is not None and to not in found:
                found.append(to)
    return found
""",
        "a shared node is listed once for each path": """
def order(roots):
    found = list(roots)
    for node in found:
        for to in node.edges:
            if to is not None:
                found.append(to)
    return sorted(found, key=lambda node: node.number, reverse=True)
""",
        "the roots are left out": """
def order(roots):
    seen, stack = set(), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen - set(roots), key=attrgetter("number"), reverse=True)
""",
        "only the first edge of each node is followed": """
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
        "the function calls itself, which a long chain does not allow": """
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
        "edges that are None are followed": """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        "the leaves are left out": """
def order(roots):
    seen, stack = set(roots), list(roots)
    while stack:
        for to in stack.pop().edges:
            if to is not None and to.edges and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
        "only the first root is used": """
def order(roots):
    seen, stack = {roots[0]}, [roots[0]]
    while stack:
        for to in stack.pop().edges:
            if to is not None and to not in seen:
                seen.add(to)
                stack.append(to)
    return sorted(seen, key=attrgetter("number"), reverse=True)
""",
    },
    "collect": {
        "the gradient overwrites the one that waits": """
def collect(self, node, g):
    self.pending[node] = g
""",
        "only the first gradient is kept": """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
    else:
        self.pending[node] + g
""",
        "it writes into an array that somebody else holds": """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
        self.owned.add(node)
    elif node in self.owned:
        self.pending[node] += g
    else:
        self.pending[node] = self.pending[node] + g
""",
        "the first gradient is counted twice": """
def collect(self, node, g):
    if node not in self.pending:
        self.pending[node] = g
    self.pending[node] = self.pending[node] + g
""",
        "the mean is taken, not the sum": """
def collect(self, node, g):
    if node in self.pending:
        g = (self.pending[node] + g) / 2
    self.pending[node] = g
""",
        "a node at which nothing waits yet is not expected": """
def collect(self, node, g):
    self.pending[node] = self.pending[node] + g
""",
        "the gradients are multiplied": """
def collect(self, node, g):
    self.pending[node] = self.pending.get(node, 1.0) * g
""",
        "it writes into the gradient that arrives": """
def collect(self, node, g):
    if node in self.pending:
        g += self.pending[node]
    self.pending[node] = g
""",
    },
    "walk": {
        "a gradient overwrites the one that waits": """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.pending[to] = part
""",
        "the nodes are walked from the oldest to the newest": """
def walk(nodes, task):
    for node in reversed(nodes):
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
""",
        "a node sends before its gradient is complete, once for each path": """
def walk(nodes, task):
    ahead = [nodes[0]]
    while ahead:
        node = ahead.pop()
        g = task.arrive(node, task.pending[node])
        for to, part in node.backward(g, task):
            task.collect(to, part)
            ahead.append(to)
""",
        "each path is followed by itself, and only the last one counts": """
def walk(nodes, task):
    def follow(node, g):
        g = task.arrive(node, g)
        for to, part in node.backward(g, task):
            follow(to, part)
    for node, g in list(task.pending.items()):
        follow(node, g)
""",
        "the upstream gradient is not used": """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(np.ones_like(g), task):
                task.collect(to, part)
""",
        "the chain factor is left out: g is sent on in place of the node's answer": """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, g)
""",
        "only the first edge of each node gets its gradient": """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            g = task.arrive(node, task.pending.pop(node))
            for to, part in node.backward(g, task):
                task.collect(to, part)
                break
""",
        "nobody is told that a gradient has arrived": """
def walk(nodes, task):
    for node in nodes:
        if node in task.pending:
            for to, part in node.backward(task.pending.pop(node), task):
                task.collect(to, part)
""",
        "something is expected to wait at every node": """
def walk(nodes, task):
    for node in nodes:
        g = task.arrive(node, task.pending.pop(node))
        for to, part in node.backward(g, task):
            task.collect(to, part)
""",
        "the walk stops at the first node at which nothing arrives": """
def walk(nodes, task):
    for node in nodes:
        if node not in task.pending:
            break
        g = task.arrive(node, task.pending.pop(node))
        for to, part in node.backward(g, task):
            task.collect(to, part)
""",
    },
    "gradients": {
        "the gradients that the walk starts with are left out": """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, None)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
        "an input that is not used gets zeros, not None": """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [np.zeros(node.shape) if task.captured[node] is None else task.captured[node] for node in targets]
""",
        "task.captured is filled with keys only after the walk": """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    run(task, roots, targets)
    task.captured = dict.fromkeys(targets)
    return [task.captured[node] for node in targets]
""",
        "the values of captured are returned as they are": """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return list(task.captured.values())
""",
        "the gradients come in the opposite order": """
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
        "only the first result is used": """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs[:1], grads and grads[:1])
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [task.captured[node] for node in targets]
""",
        "inputs that are not used are left out": """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [g for g in task.captured.values() if g is not None] if len(set(targets)) == len(targets) else [
        task.captured[n] for n in targets if task.captured[n] is not None]
""",
        "the gradient is looked for in .grad": """
def gradients(task, outputs, grads, inputs):
    roots = start(task, outputs, grads)
    targets = [target(x) for x in inputs]
    task.captured = dict.fromkeys(targets)
    run(task, roots, targets)
    return [x.grad for x in inputs]
""",
    },
}

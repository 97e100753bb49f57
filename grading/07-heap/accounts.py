"""The tree of accounts as the book says it: who made whom, who holds what, and
who is to be given up."""

WORTH = 16      # a victim should hold one in so many of all bytes


class Process:
    """A process, alive or not; the root is the kernel's."""

    def __init__(self, parent, result):
        self.parent, self.result = parent, result   # of account_open
        self.children, self.living = [], True
        self.own, self.doomed = 0, False
        if parent:
            parent.children.append(self)

    @property
    def id(self):
        """Its account's number."""
        return self.result.value & 0xffff

    def descendants(self):
        """All who come from it, itself included."""
        return [self] + [d for c in self.children for d in c.descendants()]

    def lives_on(self):
        """Whether it or a descendant is alive."""
        return any(p.living for p in self.descendants())


def heirs(root):
    """{process: bytes}: what is left behind by the dead whose line has died
    out, added to whose it is."""
    own = {}

    def visit(process, heir):
        heir = process if process is root or process.lives_on() else heir
        own[heir] = own.get(heir, 0) + process.own
        for child in process.children:
            visit(child, heir)
    visit(root, root)
    return own


def choose(root):
    """(the victim among the root's descendants or None, what it holds with
    its own)."""
    own = heirs(root)

    def total(process):
        return sum(own.get(p, 0) for p in process.descendants()
                   if not p.doomed)
    worth = total(root) // WORTH
    victim = root
    while True:
        most = max((c for c in victim.children if c in own), key=total,
                   default=None)
        if not most or not total(most):
            break
        if victim is not root and (total(most) <= own[victim] or
                                   total(most) < worth):
            break
        victim = most
    return (None, 0) if victim is root else (victim, total(victim))

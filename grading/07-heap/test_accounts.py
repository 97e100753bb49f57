"""Exercise 4: who holds the heap. Only accounts are used: no call waits."""

from accounts import WORTH, Process, choose
from grading.points import expect, points

OBJECT = 1024       # bytes that the heap counts for one of agent_objects


class Tree:
    """Processes, made and ended by one program of calls."""

    def __init__(self, kernel, rng, processes=64):
        self.kernel, self.rng = kernel, rng
        self.program = kernel.program()
        self.program.call("account_init", processes)
        self.init = Process(None, self.program.call("account_open", 0))
        self.all, self.asked = [self.init], []

    def fork(self, parent):
        """A new process of a parent."""
        p = Process(parent, self.program.call("account_open", parent.result))
        self.all.append(p)
        return p

    def end(self, process):
        """It has ended."""
        process.living = False
        self.program.call("account_close", process.result)

    def holds(self, process, least, most):
        """So many bytes, about: small and large ones are as frequent, and no
        two are alike."""
        process.own += int(least * (most / least) ** self.rng.random()) | 1

    def ask(self, doom=0):
        """Who is to be given up; then, with those ended, who is next."""
        call = self.program.call
        for left in range(doom, -1, -1):
            call("account_tally_begin")
            for p in self.all:
                call("account_add", p.result, p.own)
            seen = call("account_choose", self.init.result)
            total = call("account_total", seen)
            wanted, holds = choose(self.init)
            self.asked.append((seen, total, wanted, holds))
            if wanted and left:
                for d in wanted.descendants():
                    d.doomed = True
                    if d.lives_on():
                        call("account_doom", d.result)
            call("account_tally_end")

    def run(self):
        """Have it done, and compare."""
        self.program.run(limit_ms=500)
        for seen, total, wanted, holds in self.asked:
            expect("the account that is to be given up", seen.value & 0xffff,
                   wanted.id if wanted else 0,
                   self.describe(wanted))
            expect("what it was found to hold, with its descendants",
                   total.value, holds)

    def describe(self, wanted):
        """For a hint: who it is."""
        if not wanted:
            return "nobody but the first process holds anything"
        return (f"it has {wanted.own} bytes itself and "
                f"{len(wanted.descendants()) - 1} descendants")


def grow(tree, rng, n):
    """A random tree, deep rather than broad."""
    for _ in range(n):
        tree.fork(rng.choice(tree.all[-6:] if rng.random() < 0.5
                             else tree.all))


@points(5, exercise=4, see="add_up, largest_child, account_choose")
def test_the_biggest_holder_is_found(boot, rng):
    """The victim is found down the tree, by what each holds with its own."""
    kernel = boot()
    for _ in range(5):
        tree = Tree(kernel, rng)
        grow(tree, rng, rng.randrange(10, 40))
        for p in tree.all:
            tree.holds(p, 16, 1 << 22)
        tree.ask(doom=6)
        tree.run()


@points(5, exercise=4, see="account_choose")
def test_children_cannot_hide_it(boot, rng):
    """Who forks is found, whether few children hold much or many little."""
    kernel = boot()
    for children in (rng.randrange(2, 6), WORTH + rng.randrange(10, 30)):
        for others in 0, 1:
            tree = Tree(kernel, rng)
            shell = tree.fork(tree.init)
            hog = tree.fork(shell)
            tree.holds(shell, 4000, 5000)
            tree.holds(hog, 4000, 5000)
            for _ in range(children):
                child = tree.fork(hog)
                tree.holds(child, 100_000, 110_000)
                grandchild = tree.fork(child)
                tree.holds(grandchild, 20, 30)
            for _ in range(3 * others):
                tree.holds(tree.fork(shell), 100_000, 120_000)
            if others:
                tree.holds(tree.init, 10 ** 8, 10 ** 9)
            tree.ask(doom=2)
            tree.run()


@points(5, exercise=4, rule="HEAP5", see="account_close, settle, merge")
def test_what_the_dead_leave_behind(boot, rng):
    """The dead are found while descendants live; else it is their parent's."""
    kernel = boot()
    tree = Tree(kernel, rng)
    grandparent = tree.fork(tree.init)
    parent = tree.fork(grandparent)
    tree.holds(parent, 10_000, 20_000)
    children = [tree.fork(parent) for _ in range(rng.randrange(1, 5))]
    tree.ask()
    last = children.pop()
    for p in (*rng.sample([parent, *children], len(children) + 1), last):
        tree.end(p)         # the parent's end is not the last
        tree.ask()
    tree.run()
    for _ in range(8):
        tree = Tree(kernel, rng)
        grow(tree, rng, rng.randrange(12, 30))
        for p in tree.all[1:]:
            tree.holds(p, 16, 1 << 20)
        tree.ask()
        for p in rng.sample(tree.all[1:], len(tree.all) // 2):
            if may_end(p, tree.init):
                tree.end(p)
            tree.ask()
            if rng.random() < 0.3:
                parent = rng.choice([q for q in tree.all if q.living])
                tree.holds(tree.fork(parent), 16, 1 << 20)
        tree.run()


def may_end(process, init):
    """Not two dead in a row that are both kept for their descendants: the
    kernel may take them for one."""
    process.living = False
    kept = [p for p in init.descendants() if not p.living and p.lives_on()]
    process.living = True
    return not any(p.parent in kept for p in kept)


@points(5, exercise=4, see="settle, merge, account_close")
def test_forks_without_end(boot, rng):
    """Who forks and leaves, again and again, hides nothing and costs nothing.
    """
    kernel, processes = boot(), 16
    most = 4 * processes + 64
    links = rng.randrange(2 * most, 3 * most)
    program = kernel.program()
    call = program.call
    call("account_init", processes)
    init = call("account_open", 0)
    other = call("account_open", init)
    call("agent_objects", other, links // 3)
    last, left = call("account_open", init), 0
    for _ in range(links):
        call("agent_objects", last, 1)
        if rng.random() < 0.3:          # one that lives shortly
            short = call("account_open", last)
            call("account_close", short)
        following = call("account_open", last)
        call("account_close", last)
        last = following
    call("agent_objects", last, 1)
    call("account_tally_begin")
    call("account_add_heap")
    victim = call("account_choose", init)
    total = call("account_total", victim)
    below = call("account_is_below", last, victim)
    aside = call("account_is_below", other, victim)
    call("account_tally_end")
    program.run(limit_ms=2000)
    expect("whether the last of a row of processes, each made by the one "
           "before that then ended, is given up with all of them",
           [below.value & 1, aside.value & 1], [1, 0])
    expect("bytes that they were found to hold", total.value,
           (links + 1) * OBJECT)

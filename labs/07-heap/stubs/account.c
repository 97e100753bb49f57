/*
 * Stubs of lab heap for account.c: scripts/lab puts their bodies in place of
 * the chapter's. Never compiled from here.
 */

static void
merge(uint16_t id)
{
	/*
	 * Exercise 4. The objects of account id are its parent's from now on,
	 * and so are its children: find() passes it by. Whose child is counted
	 * where?
	 */
	(void)find;
	panic("exercise 4: merge(%u) is yours to write", id);
}

static void
settle(uint16_t id)
{
	/*
	 * Exercise 4. Account id has changed. If its process has ended it is
	 * merged, unless it has children; it is merged even so where its
	 * parent is kept as well although it has ended, for one in a row is
	 * enough. Then the same for the parent, which has lost a child.
	 */
	(void)merge;
	panic("exercise 4: settle(%u) is yours to write", id);
}

void
account_close(uint16_t id)
{
	/* Exercise 4. See heap.h. */
	(void)settle;
	panic("exercise 4: account_close(%u) is yours to write", id);
}

static void
add_up(void)
{
	/*
	 * Exercise 4. What open accounts hold themselves is added to the totals
	 * of all that they come from, and to their own. Who is doomed holds
	 * nothing any more.
	 */
	panic("exercise 4: add_up() is yours to write");
}

static uint16_t
largest_child(uint16_t parent)
{
	/*
	 * Exercise 4. Of the open accounts whose parent this is, the one that
	 * has most with its descendants; 0 where none has anything.
	 */
	panic("exercise 4: largest_child(%u) is yours to write", parent);
}

uint16_t
account_choose(uint16_t root)
{
	/*
	 * Exercise 4. Add up, under the lock, then go down the tree from the
	 * root, each time to the child that has most. Stop, but not at the
	 * root, at a process that has more itself than any child has with its
	 * own, or whose children all have less than one WORTH_SHARE-th of the
	 * root's total.
	 * @return the account to be given up; 0: none but the root holds
	 *         anything
	 */
	(void)add_up;
	(void)largest_child;
	panic("exercise 4: account_choose(%u) is yours to write", root);
}

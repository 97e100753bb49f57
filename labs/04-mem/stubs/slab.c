/*
 * Stubs of lab mem for slab.c: scripts/lab puts their bodies in place of the
 * chapter's. Never compiled from here.
 */

static struct page *
slab_create(struct slab_cache *c)
{
	/*
	 * Exercise 4. Get a page for slabs from the heap's share, tell
	 * heap_ops.page_taken (if it is set), and chain its per_slab objects
	 * up. Nobody is charged for them yet:
	 *	slab->charge = 0;
	 *	*trailer_of(an_object, c->size) = (struct trailer){ 0 };
	 */
	panic("exercise 4: slab_create(size %u) is yours to write", c->size);
}

static struct page *
slab_with_room(struct slab_cache *c)
{
	/*
	 * Exercise 4. A slab that has a free object, on the list that MEM5
	 * wants it on: one in use already if there is such a one, then an
	 * empty one, and only then a new one.
	 */
	(void)slab_create;
	panic("exercise 4: slab_with_room(size %u) is yours to write", c->size);
}

static void
slab_put(struct slab_cache *c, void *object)
{
	/*
	 * Exercise 4. Give an object back to its slab and keep MEM5. A class
	 * keeps EMPTY_KEPT empty slabs; slab_destroy takes the others.
	 */
	panic("exercise 4: slab_put(size %u, %p) is yours to write", c->size,
	      object);
}

static void
magazine_refill(struct magazine *m, struct slab_cache *c)
{
	/*
	 * Exercise 5. Move objects from one slab into the empty magazine, at
	 * most half of MAGAZINE_MAX.
	 */
	(void)slab_with_room;
	panic("exercise 5: magazine_refill(%p, size %u) is yours to write",
	      (void *)m, c->size);
}

static void
magazine_drain(struct magazine *m, struct slab_cache *c, unsigned keep)
{
	/* Exercise 5. Give objects back to their slabs until `keep` are left.
	 */
	(void)slab_put;
	panic("exercise 5: magazine_drain(%p, size %u, %u) is yours to write",
	      (void *)m, c->size, keep);
}

void *
kalloc(size_t size, const struct alloc_site *site)
{
	/*
	 * Exercise 5. An object of `size` bytes, cleared, from this CPU's
	 * magazine of its class. A size that is 0 or above KALLOC_MAX is a
	 * panic. Who is charged for it is written at its end, before it is
	 * cleared: keep a call like the one below.
	 */
	(void)magazine_refill;
	panic("exercise 5: kalloc(%zu) is yours to write", size);
	guard_new(NULL, class_for(size), size, site);
}

void
kfree(void *object)
{
	/*
	 * Exercise 5. Put an object into this CPU's magazine of its class,
	 * which holds magazine_limit() objects at most. NULL is ignored. Nobody
	 * is charged for it any more, and the checking build looks at its
	 * guards: keep a call like the one below, before the object is anybody
	 * else's.
	 */
	(void)magazine_drain;
	(void)magazine_limit;
	panic("exercise 5: kfree(%p) is yours to write", object);
	guard_free(object, CLASS_WHOLE);
}

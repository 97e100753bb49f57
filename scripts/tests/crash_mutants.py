"""The log protocol, broken in one place each; the crash harness must find each
of them out. A mutant is an edit of one file: what is there, exactly once, and
what stands there instead."""

import re
import subprocess
from pathlib import Path

import crash_run

ROOT = Path(__file__).resolve().parents[2]
LOG = """	while (b && !w.error)
		b = write_described(&w, b);"""
EARLY = """	{
		uint32_t first = w.at;

		w.at = t->start + t->blocks - 1;
		if (w.at >= j->end)
			w.at -= j->end - j->first;
		write_commit(&w);
		w.at = first;
	}
"""
FLUSH = """	if (!w.error)
		w.error = block_flush(j->device);
"""
COMMIT = FLUSH + """	if (!w.error)
		write_commit(&w);
"""
# Name: (file, what is there, what is there instead, workloads that show it; and
# the kind of disk, if not 1k).
MUTANTS = {
    # Committing.
    "no flush before the commit block": (
        "journal/commit.c", COMMIT, COMMIT.removeprefix(FLUSH), "dir-grow"),
    "commit block not written through": (
        "journal/commit.c", "block_run_through(", "block_run(", "many-syncs"),
    "commit block before the log": (
        "journal/commit.c", LOG, EARLY + LOG, "dir-grow"),
    "data not written before the commit": (
        "journal/commit.c", "	j->ops->write_data(j->fs);\n", "",
        "append-two"),
    "data written behind the commit": (
        "journal/commit.c", "	j->ops->write_data(j->fs);\n"
        "	error = j->error ? j->error : write_log(j, t);\n",
        "	error = j->error ? j->error : write_log(j, t);\n"
        "	j->ops->write_data(j->fs);\n", "append-two"),
    "the log's superblock not written": (
        "journal/commit.c", "		w.error = log_super_write(j, t->start, t->tid);\n",
        "", "many-syncs"),
    "blocks logged as they are now": (
        "journal/commit.c", "b->log.copy ? b->log.copy : b->page",
        "(b->log.copy ? memcpy(page_address(b->log.copy), b->data, "
        "w->j->block_size) : NULL, b->log.copy)", "streams*"),
    "operations not waited for": (
        "journal/commit.c", "while (t->operations > 0)", "while (0)",
        "streams*"),
    "commit told before it is written": (
        "journal/commit.c", "	error = j->error ? j->error : write_log(j, t);",
        "	tell(j, t->tid);\n"
        "	error = j->error ? j->error : write_log(j, t);", "streams*"),
    "freed blocks given back before the commit": (
        "journal/commit.c", "	error = j->error ? j->error : write_log(j, t);",
        "	j->ops->committed(j->fs, t->tid);\n"
        "	error = j->error ? j->error : write_log(j, t);", "streams-scarce*"),
    "fsync does not wait": (
        "journal/transaction.c", "	error = wait_committed(j, tid);\n",
        "	error = 0 * tid;\n", "many-syncs"),
    "sync waits for the commit before": (
        "journal/transaction.c", "j->running	  ? j->running->tid",
        "j->running	  ? j->running->tid - 1", "rename-chain"),
    "revoke not written": (
        "journal/commit.c", "	write_revoked(&w);\n",
        "	(void)write_revoked;\n", "revoke*"),
    # Going home.
    "no flush before the log is cut off": (
        "journal/home.c", "int error = block_flush(j->device);\n\n	if (!error)\n"
        "		error = t", "int error = 0;\n\n	if (!error)\n		error = t",
        "log-wrap*"),
    "no flush after the log is cut off": (
        "journal/home.c", "return error ? error : block_flush(j->device);",
        "return error;", "streams-full*", "1k-data"),
    "the log cut off to the end": (
        "journal/home.c", "error = t ? log_super_write(j, t->start, t->tid)\n"
        "			  : log_super_write(j, 0, j->next_tid);",
        "error = log_super_write(j, 0, j->next_tid);", "streams-home*",
        "1k-data"),
    "what is not committed goes home": (
        "journal/home.c", "is = b->log.running != NULL;",
        "is = false && b;", "streams-home*", "1k-data"),
    "what is revoked goes home": (
        "journal/commit.c", "		if (revoked) {\n			buf_put(b);\n"
        "			continue;\n		}", "		(void)revoked;", "revoke*"),
    "a freed block stays in its transaction": (
        "journal/transaction.c", "	if (log->running && !log->revoked)\n"
        "		leave_running(b);\n", "	(void)leave_running;\n", "revoke*"),
    # Recovering.
    "revoke not honoured": (
        "journal/recover.c", "	return e->used && !later(r->tid, e->tid);",
        "	return e->used && false;", "revoke*"),
    "revoke honoured for later versions": (
        "journal/recover.c", "	return e->used && !later(r->tid, e->tid);",
        "	return e->used;", "revoke*"),
    "escape not undone": (
        "journal/recover.c", "header->magic = to_be32(JOURNAL_MAGIC);",
        "(void)0;", "magic-link"),
    "sequence not looked at": (
        "journal/recover.c", " || be32(h->sequence) != r->tid", "",
        "log-wrap*"),
    "what is not committed is replayed": (
        "journal/recover.c", "(r->pass != PASS_SCAN && r->tid == r->end)",
        "(r->pass != PASS_SCAN && 0)", "dir-grow"),
    "replay not flushed": (
        "journal/recover.c", "r->damaged ? -EUCLEAN : "
        "block_flush(r->j->device)", "r->damaged ? -EUCLEAN : 0",
        "log-wrap*"),
    # The file system's part.
    "freed metadata not revoked": (
        "ext2/ext2_journal.c", "		journal_revoke(fs->journal, block);",
        "		(void)block;", "revoke*"),
    "freed blocks used before the commit": (
        "ext2/balloc.c", "	if (!g->pending[0] && !g->pending[1])\n"
        "		return take_free", "	if (g)\n		return take_free", "reuse*"),
    "no list of orphans": (
        "ext2/orphan.c", "	if (list_empty(&in->orphan_link)) {", "	if (0) {",
        "orphan*"),
    "the list of orphans is left": (
        "ext2/orphan.c", "while (!error && (ino =", "while (0 && (ino =",
        "orphan*"),
    "a file without a name is no orphan": (
        "ext2/namei.c", "	if (*result)\n		unlinked(*result);\n", "",
        "nameless*"),
    "punched zeros logged later": (
        "ext2/punch.c", "	if (fs->data_journal) /* the zeros, in their turn "
        "(EXT8) */\n		page_cache_settle(v->cache);\n", "", "punch*",
        "4k-data"),
    "new blocks not ordered": (
        "ext2/file.c", "	ext2_ordered_add(v);\n	if (end > had && error",
        "	if (end > had && error", "holes"),
    "what is unlinked not written for the commit before": (
        "ext2/namei.c", "	if (settle)\n		page_cache_settle(v->cache);\n",
        "	(void)settle;\n", "streams-dropped-unlink*", "4k"),
    "what is cut off not written for the commit before": (
        "ext2/file.c", "	error = ext2_begin(fs);\n"
        "	if (!error && ext2_ordered_before(v)) {",
        "	error = ext2_begin(fs);\n	if (0) {",
        "streams-dropped-truncate*", "4k"),
    "cut off before the size is stored": (
        "ext2/file.c", "return size < v->size ? announce_cut(v, size) : 0;",
        "return size < v->size ? 0 * announce_cut(v, v->size) : 0;",
        "streams-dropped-truncate*", "4k"),
    "punched before it is written": (
        "ext2/punch.c", "	if (fs->journal && !fs->data_journal)\n"
        "		page_cache_settle(v->cache);\n	ext2_map_hide",
        "	ext2_map_hide", "streams-dropped-fallocate*", "4k"),
    "a grown size not ordered": (
        "ext2/inode.c", "dinode_size(di) > had", "false && had", "link-append"),
    "a grown size stored later": (
        "ext2/file.c", "(!in->prepared && ext2_size_stored(v))",
        "!in->prepared", "streams*"),
    "fsync of contents not flushed": (
        "ext2/inode.c", "error || !flush ? error : block_flush(fs->device)",
        "flush ? error : error",
        "*mapwrite*"),
    "sync of contents not flushed": (
        "ext2/super.c", "	return error ? error : block_flush(fs->device);",
        "	return error;", "*mapwrite*"),
    "a rename in two transactions": (
        "ext2/namei.c", "		error = ext2_dir_remove(m->from_dir, &m->source);",
        "		ext2_go_on(ext2_fs(m->moved)), "
        "error = ext2_dir_remove(m->from_dir, &m->source);", "streams*"),
    "an inode's transaction not noted": (
        "ext2/inode.c", "	in->logged_in = journal_current();\n", "", "*"),
}

# Not to be found out while a disk does what it is told: a block of the log that
# is torn or old has no commit block behind it, since that is written after a
# flush. Checksums are for disks that do not. With them, a logged block that
# looks like the journal's own is not taken for it.
EQUIVALENT = {
    "escape missing": (
        "journal/commit.c", "be32(*word) != JOURNAL_MAGIC", "true"),
    "numbers used again after recovery": (
        "journal/recover.c", "*next = r.end + 1;", "*next = r.end;"),
    "a block's checksum not looked at": (
        "journal/recover.c", "	return sum == tag->checksum;",
        "	return sum == tag->checksum || true;"),
    "a commit block's checksum not looked at": (
        "journal/recover.c", "	ok = log_checksum(r->j, c) == said;",
        "	ok = log_checksum(r->j, c) == said || true;"),
}


def mutate(folder, name, edit):
    """The file with the edit, under its own name, in a folder of its own."""
    chapter, base = edit[0].split("/")
    source = next(ROOT.glob(f"kern/*-{chapter}/{base}")).read_text()
    if source.count(edit[1]) != 1:
        raise ValueError(f"{name}: {source.count(edit[1])} places in {edit[0]}")
    place = folder / re.sub(r"\W+", "-", name)
    place.mkdir()
    (place / base).write_text(source.replace(edit[1], edit[2]))
    return place / base


def found_out(host, folder, name, edit, **options):
    """What the harness says of a mutant: None, if nothing."""
    path = mutate(folder, name, edit)
    program = crash_run.build(host, True, (path, path.parent / "program"))
    only, kind = (*edit[3:], *("*", "1k")[len(edit) - 3:])
    options = {"limit": 150, "e2fsck": 0, **options}
    command = crash_run.arguments(program, folder, kind, dir=path.parent,
                                  only=only, first=1, **options)
    try:
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=120, check=False)
    except subprocess.TimeoutExpired:
        return "it does not end"
    if done.returncode == 0:
        return None
    return (done.stderr.splitlines() or [f"it ends by {done.returncode}"])[-1]

# sqlite3: a schema, many inserts, transactions, two processes, three journals.
. "$SUITE/lib.sh"

t schema and ten thousand inserts
{
	echo 'create table person (id integer primary key, name text not null, born integer check (born > 1800)); create index by_name on person (name); create index by_person on log (person); create table log (at integer, what text, person references person on delete cascade); create trigger t after insert on person begin insert into log values (new.id, "added", new.id); end; create view old as select * from person where born < 1900;'
	for b in 0 1 2 3 4 5 6 7 8 9; do
		echo 'begin;'
		for ((i = b * 1000; i < b * 1000 + 1000; i++)); do echo "insert into person values ($i, 'name $((i * 7919 % 10007))', $((1801 + i % 200)));"; done
		echo 'commit;'
	done
} >in.sql
sqlite3 a.db <in.sql; rc; sqlite3 a.db 'pragma integrity_check; select count(*), sum(id), min(name), max(name) from person; select count(*) from log; select count(*) from old'
t queries
sqlite3 -header -csv a.db 'select born, count(*) as n, group_concat(name, "/") from (select * from person order by id limit 1000) group by born order by n desc, born limit 3'; sqlite3 a.db 'with recursive c(x) as (select 1 union all select x + 1 from c where x < 5000) select sum(x * x) from c; select p.name from person p join log l on l.person = p.id where p.id in (1, 5000, 9999); explain query plan select * from person where name = "name 7"'
t errors roll back
sqlite3 a.db "insert into person values (1, 'twice', 1900)"; rc; sqlite3 a.db "begin; delete from person; select count(*) from person; rollback; select count(*) from person"; sqlite3 a.db "insert into person values (-1, 'x', 5)"; rc; sqlite3 a.db "update person set born = born + 1 where id < 5000; select sum(born) from person; pragma foreign_keys = on; delete from person where id % 2; select count(*) from log; vacuum; pragma integrity_check"
t journals
for mode in delete truncate persist memory wal off; do rm -f j.db*; sqlite3 j.db "pragma journal_mode = $mode; create table x (a); insert into x values (1); insert into x select a + 1 from x; select sum(a) from x; pragma integrity_check"; ls j.db*; done
t two at once
rm -f w.db; sqlite3 w.db 'pragma journal_mode = wal; create table c (who, n)'; for who in a b c; do (for b in 1 2 3 4 5; do echo ".timeout 20000"; echo "begin immediate;"; for i in 1 2 3 4 5 6 7 8 9 10; do echo "insert into c values ('$who', $b$i);"; done; echo 'commit;'; done | sqlite3 w.db) & done; wait; sqlite3 w.db 'select who, count(*) from c group by who; pragma integrity_check'
rm -f k.db; sqlite3 k.db 'create table c (x)'; mkfifo f; sqlite3 k.db <f & exec 7>f; echo 'begin exclusive; insert into c values (1);
.shell touch locked' >&7; until [ -e locked ]; do sleep 0.01; done; sqlite3 k.db 'select * from c'; rc; echo 'commit;' >&7; exec 7>&-; wait; sqlite3 k.db 'select * from c'
t dump and restore
sqlite3 a.db .dump | sqlite3 b.db; sqlite3 a.db .dump | md5sum; sqlite3 b.db .dump | md5sum; sqlite3 a.db '.backup c.db'; cmp <(sqlite3 c.db .dump) <(sqlite3 a.db .dump); rc; sqlite3 a.db '.schema person'; echo junk >bad.db; sqlite3 bad.db 'select 1 from x'; rc; sqlite3 :memory: 'select sqlite_version(), hex(zeroblob(4)), printf("%.4f", 1.0 / 3)'

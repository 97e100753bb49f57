# tcc: it compiles and runs programs; they use threads, and the linker ld.so.
. "$SUITE/lib.sh"

t hello
printf '#include <stdio.h>\nint main(int c, char **v) { printf("hello %%d %%s\\n", c, v[1]); return 3; }\n' >h.c; tcc -o h h.c; rc; ./h x; rc; tcc -run h.c y; rc; tcc -c h.c; tcc -o h2 h.o; ./h2 z; rc; (echo '#!/usr/bin/tcc -run'; cat h.c) >script; chmod +x script; ./script s; rc
t a shared library, and dlopen
echo 'int twice(int x) { return 2 * x; }' >l.c; tcc -shared -o libl.so l.c; printf '#include <stdio.h>\nint twice(int); int main(void) { printf("%%d\\n", twice(21)); }\n' >u.c; tcc -o u u.c -L. -ll; ./u 2>&1 | sed 's|.*/u:|u:|'; LD_LIBRARY_PATH=. ./u; printf '#include <stdio.h>\n#include <dlfcn.h>\nint main(void) { void *h = dlopen("./libl.so", RTLD_NOW); int (*f)(int) = dlsym(h, "twice"); printf("%%d\\n", f(4)); dlclose(h); puts(dlopen("./none.so", RTLD_NOW) ? "?" : dlerror()); }\n' >d.c; tcc -o d d.c -ldl; ./d; LD_TRACE_LOADED_OBJECTS=1 ./d | sed 's/ (0x.*//' | grep -v vdso; LD_BIND_NOW=1 LD_PRELOAD=./libl.so ./h p; LD_PRELOAD=./missing.so ./h q 2>&1
t errors
echo 'int main(void) { return undefined(); }' >e.c; tcc -o e e.c; rc; echo 'int main( {' >e.c; tcc -c e.c; rc
t threads
tcc -o threads "$SUITE/threads.c" -lpthread; rc; ./threads; rc

# lua: a script with files, pipes, coroutines, strings.
. "$SUITE/lib.sh"

t language
lua5.4 - one two <<'END'
print(_VERSION, #arg, arg[1])
local function fib(n) return n < 2 and n or fib(n - 1) + fib(n - 2) end
print(fib(20), 7 // 2, 7 % -3, 2 ^ 0.5, 1 << 62, math.maxinteger)
local t = {}; for i = 1, 10000 do t[i] = (i * 7919) % 10007 end table.sort(t); print(t[1], t[5000], t[10000])
local co = coroutine.wrap(function() for i = 1, 3 do coroutine.yield(i) end end); print(co(), co(), co())
print(("hello world"):gsub("o", "0"), ("%5.2f|%-5s|%q"):format(3.14159, "x", "a\nb"), ("k=v"):match("(%w+)=(%w+)"))
print(pcall(error, { code = 1 }), select("#", nil, nil), utf8.char(228, 8364), string.pack("<i4", 42):byte(1, -1))
setmetatable(t, { __index = function(_, k) return "no " .. k end }); print(t.x, tostring(nil), #tostring(t) > 6)
collectgarbage(); print(collectgarbage("count") < 10000)
END
t files and processes
lua5.4 -e 'local f = assert(io.open("f", "w")); for i = 1, 1000 do f:write(i, "\n") end f:close(); local n = 0; for l in io.lines("f") do n = n + l end print(n); print(io.open("missing")); local p = io.popen("sort -rn f | head -n 2"); print(p:read("a")); print(p:close()); print(os.execute("exit 3")); print(os.rename("f", "g"), os.remove("g"), os.remove("g")); print(os.getenv("HOME"), os.date("!%F", 0), os.time({ year = 2000, month = 1, day = 1, hour = 0 })); io.stderr:write("to stderr\n"); os.exit(7)'; rc
lua5.4 -e 'x ='; rc; echo 'print(io.read("n", "l", "L", "a"))' >r.lua; printf '12 rest\nline\nall\nof it' | lua5.4 r.lua

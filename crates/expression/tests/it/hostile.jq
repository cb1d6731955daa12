#! one expression a line
halt
halt_error
halt_error(1)
env
$ENV
$ENV.PATH
env.PATH
input
inputs
[inputs]
input_filename
input_line_number
debug
debug(.)
stderr
now
localtime
strflocaltime("%c")
import "a" as a; .
include "a"; .
import "/etc/passwd" as $d; $d
module {}; .
modulemeta
get_search_list
$__loc__
$__prog_args
builtins
getenv("PATH")
system("id")
error_empty
_match("a"; "g")
path_value(.)
min_by_or_empty(.)
'single'
"unclosed
"\x41"
"\uD800"
$undefined
$undefined.a.b
undefined
map
map(.;.)
break $x
.a..b..
.[
.]
}{
1 2
{a:}
{(1):2}
{a b}
.a.[
..a
|
,
;
)
if
then
def
def f
def f:
def f: .
reduce
reduce .
reduce . as $x
foreach . as $x
try
label
label $x
?//
. ?// .
. as [$a] ?// $a | $a
@unknown
@unknown "x"
@csv "x\(.)"
a::b
a::b(.)
.a::b
$a::b
#! growing
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|tojson|length
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|. == .
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|flatten|length
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|walk(.)|length
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|contains(.)
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|sort|length
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|(.. |= .)|length
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[paths]|length
[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[.,.]|[tostream]|length
tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|tojson|length
@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|@uri|length
@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|@html|length
@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|@sh|length
@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|@base64|length
"a"|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|(.+.)|length
(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|(.,.)|empty
[(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)+(1,2)]|length
{a:(1,2),b:(1,2),c:(1,2),d:(1,2),e:(1,2),f:(1,2),g:(1,2),h:(1,2),i:(1,2),j:(1,2),k:(1,2),l:(1,2),m:(1,2),n:(1,2),o:(1,2),p:(1,2),q:(1,2),r:(1,2),s:(1,2),t:(1,2),u:(1,2),v:(1,2)}
"\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)\(1,2)"
def a: .,.; def b: a|a; def c: b|b; def d: c|c; def e: d|d; def f: e|e; def g: f|f; g
def a: [.,.]; def b: a|a; def c: b|b; def d: c|c; def e: d|d; def f: e|e; f
def a(g): g|g; def b(g): a(a(g)); def c(g): b(b(g)); def d(g): c(c(g)); def e(g): d(d(g)); e(.)
def a(g): g|g; def b(g): a(a(g)); def c(g): b(b(g)); def d(g): c(c(g)); def e(g): d(d(g)); e([.])
(..|=[.])|(..|=[.])|(..|=[.])|(..|=[.])|(..|=[.])|(..|=[.])|(..|=[.])|(..|=[.])|(..|=[.])|(..|=[.])
..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..|..
[..|..|..|..|..|..|..|..]|length
[..]|[..]|[..]|[..]|[..]|[..]|[..]|[..]|[..]|[..]|[..]|length
. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|. as $x|[$x,$x,$x,$x]|[..]
.[1e18] = 1
.[1000000000] = 1
.[99999999999999999999] = 1
.[-1] = 1
[][1e300] = 0
[1][:1e18] = [2]
[][1000000000:] = [1]
[1,2,3][1e300]
[1,2,3][-1e300:1e300]
[1,2,3][nan]
.[nan] = 1
setpath(["a",1000000000000]; 1)
setpath([1000000000]; 1)
getpath(["a","b","c","d"])
delpaths([[1000000000]])
delpaths([[],[]])
pick(.[1000000000])
pick(.[-1])
[limit(1000000000; 1)]
"x" * 1000000000
"abc" * 1e300
. * 1000000000
["x"] | .[0] * 1000000000
"x" as $s | $s * 1e18
{} * {} * {}
[.] * 2
-"x"
-9223372036854775808
9223372036854775807 + 1
18446744073709551616
9223372036854775807 * 9223372036854775807
-9223372036854775808 % -1
5 % 0
5 / 0
0 / 0
5 % 1e-300
1e308 * 10
-1e308 * 10
1e1000
nan
infinite
-infinite
[nan, infinite]
{a: nan}
nan < nan
[nan, nan, 1] | sort
[nan] | group_by(.)
[nan, 1] | unique
infinite % 5
5 % infinite
infinite | floor
nan | tostring
infinite | tojson
pow(10; 308) * 10
exp10
[.[]?] | implode
[1114112] | implode
[-1] | implode
[55296] | implode
[1e300] | implode
[nan] | implode
"\u0000" | explode | implode
"a" | test("(a+)+$")
"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" | test("^(a+)+$")
"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" | test("(a|aa)+$")
"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab" | test("(.*)*b\\1")
test("[")
test("(?<n>")
test("a{1000000}")
test("((a{100}){100}){100}")
test("(\\w{1,100}){1,100}")
test("\\p{L}{1000}")
test("x"; "gxnispl")
test("x"; "q")
[match(""; "g")]
[match("(?:)*"; "g")]
gsub(""; "x")
gsub("^"; "x")
gsub("."; "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx")
gsub("(?<a>.)"; .a + .a + .a + .a)
[splits("")]
split("")
split(""; "g")
ascii_downcase|ascii_upcase
ltrimstr(1)
join(1)
join({})
[[]] | join(",")
[{}] | join(",")
@csv
@tsv
@sh
[[1]] | @csv
@base64d
@base32d
"!!!!" | @base64d
"=" | @base64d
"%zz" | @urid
"%" | @urid
"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[" | fromjson
"{\"a\":1e999}" | fromjson
"NaN" | fromjson
"# comment\n1" | fromjson
"1 2" | fromjson
"" | fromjson
tonumber
"0x10" | tonumber
"1e1000" | tonumber
" 1" | tonumber
"nan" | tonumber
strptime("%Q")
strptime("%Z %z %s")
"10:20" | strptime("%H:%M") | mktime
"2015-03-05T23:51:47Z" | strptime("%Y-%m-%dT%H:%M:%SZ") | mktime
gmtime
1e300 | gmtime
-1e300 | todate
nan | todate
infinite | todate
[1e300,0,1,0,0,0] | mktime
[2024,99,99,99,99,99] | todate
[1,2] | mktime
strftime("%")
strftime("%Q")
1 | strftime("%9999999999d")
0 | strftime("%10000000Y")
error
error(null)
error(error)
error([.,.])
try error catch error
try error("x") catch .
error("\(.)\(.)\(.)")
{} | .a.b.c.d.e.f.g.h = 1
.a[1].b[2].c[3] = 1
.a += 1
.[]? += 1
(.a,.b,.c) = (1,2,3)
(.. | numbers) |= . + 1
.. = 1
.. |= empty
del(..)
del(.[])
del(.)
del(.a, .b, .[0]?)
paths(..)
[paths(type == "number")]
to_entries
from_entries
with_entries(.)
with_entries(.key = 1)
group_by(.[]?)
sort_by(.a?, .b?)
[.[]?] | sort_by(error)
min_by(.a?)
unique_by(length?)
any(..; .)
all(..; .)
isempty(..)
first(..)
last(..)
IN(..)
INDEX(.. ; tojson)
tostream
[tostream] | fromstream(.[])
input | input
{"a":1} | .a as {b: $x} | $x
. as [$a, {b: [$c]}] | [$a, $c]
. as {(tojson): $x} | $x
[.[]? as [$a] | $a]
label $f | ..
label $f | (.., break $f)
try (break) catch .
ascii
@json "\(.)\(.)\(.)"
@html "<\(.)>"
ltrimstr("x")
splits("a"; null)
getpath([[1]])
getpath("a")
getpath(null)
has({})
has(1e300)
contains("x")
inside("x")
indices(1)
indices("")
indices([])
index(",")
[.[]?] | transpose
[[1e9]] | transpose
[[],[[]]] | transpose
flatten(-1)
flatten(1e300)
flatten("x")
bsearch(1)
tojson | fromjson
significand
frexp
ldexp(1; 1e300)
ldexp(1; 99999999999)
scalbln(1; 99999999999)
scalb(1; 1e300)
pow(2; 1e300)
logb
gamma
drem(5; 0)
fma(1e308; 10; 0)
nth(-1; .[]?)
trimstr(1)
toarray
abs
have_literal_numbers
splits
ltrimstr
@text "\(@json "\(@csv "\([1])")")"
repeat(empty)
first(repeat(empty))
isempty(repeat(empty))
#! endless
def f: f; f
def f: 1 + f; f
def f: [f]; f
def f: f | f; f
def f: f, f; f
def f: . as $x | f | $x; f
def f: try f catch f; f
def f: {a: f}; f
def f: if f then f else f end; f
def f: -f; f
def f($x): f($x + 1); f(0)
def f: def g: f; g; f
def f: .. | f; f
def f: [.] | f; f
def f: {a: .} | f; f
def f: "\(.)x" | f; f
[range(1000000000000)]
last(range(1000000000000))
range(0; infinite)
[repeat(.)]
[repeat(1)]
until(false; .)
until(false; . + [1])
[while(true; .)]
[recurse(.)]
[recurse(1)]
last(recurse([.]))
[limit(1000000000; repeat(1))]
first(range(1000000000000) | select(. < 0))
all(repeat(true); .)
reduce range(1000000000) as $i (0; . + 1)
reduce range(100000) as $i (null; [.])
reduce range(60) as $i ("x"; . + .)
reduce range(60) as $i (1; [., .]) | tojson
reduce range(60) as $i (1; [., .]) | . == .
reduce range(60) as $i (1; {a: ., b: .}) | [..] | length
foreach repeat(1) as $i (0; . + 1)
[foreach range(1000000000) as $i (0; . + 1)]
nth(1000000000000; repeat(1))
[skip(1000000000; repeat(1))]
[range(100000)] | combinations(3)
[[range(1000)], [range(1000)], [range(1000)]] | combinations
[range(300000)] | map(tojson) | join(",") | tojson | tojson
[range(100000) | [.]] | sort | group_by(.) | map(map(tojson)) | tojson
#! not run in process
def f(x): f(x|x); f(.)
def f(x): f(x,x); f(.)
def f(x): [x] | f(x | [x]); f(.)

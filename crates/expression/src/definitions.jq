# The functions of the dialect that are written in jq. Each may use those above it and the natives; names with `_` are not for programs.

def empty: {}[] as $x | .;
def null: [][0];
def true: 0 == 0;
def false: 0 != 0;
def not: if . then false else true end;
def select(f): if f then . else empty end;
def error: error_empty as $x | .;
def error(message): (message | error_empty) as $x | .;
def tostring: "\(.)";
def map(f): [.[] | f];
def map_values(f): .[] |= f;

def range($from; $to): range($from; $to; 1);
def range($to): range(0; $to; 1);
def repeat(f): def again: ., (f | again); again;
def recurse(f): def again: ., (f | again); again;
def recurse: ..;
def recurse(f; condition): recurse(f | select(condition));
def while(condition; update): def again: if condition then ., (update | again) else empty end; again;
def until(condition; update): def again: if condition then . else update | again end; again;

def values: select(. != null);
def nulls: select(. == null);
def booleans: select(type == "boolean");
def numbers: select(type == "number");
def strings: select(type == "string");
def arrays: select(type == "array");
def objects: select(type == "object");
def iterables: select(type == "array" or type == "object");
def scalars: select(type != "array" and type != "object");

def first: .[0];
def last: .[-1];
def nth($n): .[$n];
def limit($n; f): if $n < 0 then error("limit doesn't support negative count") else _limit($n; f) end;
def skip($n; f): if $n < 0 then error("skip doesn't support negative count") else _skip($n; f) end;
def nth($n; f): if $n < 0 then error("nth doesn't support negative indices") else first(_skip($n; f)) end;
def isempty(f): first((f | false), true);
def all(f; condition): isempty(f | condition and empty);
def any(f; condition): isempty(f | condition or empty) | not;
def all(condition): all(.[]; condition);
def any(condition): any(.[]; condition);
def all: all(.[]; .);
def any: any(.[]; .);
def add(f): reduce f as $x (null; . + $x);
def in(object): . as $key | object | has($key);
def inside(whole): . as $part | whole | contains($part);
def index($part): indices($part) | .[0];
def rindex($part): indices($part) | .[-1:][0];
def flatten: _flatten(1000000000);
def flatten($depth): _flatten($depth);
def min_by(f): reduce min_by_or_empty(f) as $x (null; $x);
def max_by(f): reduce max_by_or_empty(f) as $x (null; $x);
def min: min_by(.);
def max: max_by(.);
def unique_by(f): [group_by(f)[] | .[0]];
def with_entries(f): to_entries | map(f) | from_entries;
def toarray: if type == "array" then . else [.] end;
def combinations: if length == 0 then [] else .[0][] as $x | (.[1:] | combinations) as $rest | [$x] + $rest end;
def combinations($n): . as $set | [range($n) | $set] | combinations;

def getpath($path): reduce $path[] as $key (.; .[$key]);
def setpath($path; $value): _setpath($path; $value);
def paths: path(..) | select(length > 0);
def paths(condition): path(.. | select(condition)) | select(length > 0);
def leaf_paths: paths(scalars);
def del(f): delpaths([path(f)]);
def pick(f): . as $whole | reduce path(f) as $path (null; setpath($path; $whole | getpath($path)));
def tostream: path(def again: (.[]? | again), .; again) as $path
  | getpath($path) | reduce path(.[]?) as $last ([$path, .]; [$path + $last]);
def fromstream(f): {value: null, done: false} as $start
  | foreach f as $event ($start;
      if .done then $start else . end
      | if $event | length == 2
        then setpath(["done"]; $event[0] | length == 0) | setpath(["value"] + $event[0]; $event[1])
        else setpath(["done"]; $event[0] | length == 1) end;
      if .done then .value else empty end);
def truncate_stream(stream): . as $n | null | stream | . as $event
  | if (.[0] | length) > $n then setpath([0]; .[0][$n:]) else empty end;

def INDEX(stream; key): reduce stream as $row ({}; .[$row | key | tostring] |= $row);
def INDEX(key): INDEX(.[]; key);
def IN(stream): any(stream == .; .);
def IN(source; stream): any(source == stream; .);
def ascii: [.] | implode;
def trimstr($part): ltrimstr($part) | rtrimstr($part);
def abs: if . < 0 then - . else . end;

def isnan: . != .;
def isinfinite: . == infinite or . == -infinite;
def isfinite: type == "number" and (isinfinite | not);
def isnormal: type == "number" and ((. == 0 or isnan or isinfinite) | not);
def finites: select(isfinite);
def normals: select(isnormal);
def pow10: exp10;
def gamma: lgamma;
def significand: if . == 0 or isinfinite or isnan then . else scalbln(.; 0 - ilogb) end;
def logb: if . == 0 then - infinite elif isinfinite then infinite elif isnan then . else ilogb end;
def scalb($x; $e): $x * pow(2; $e);
def drem($x; $y): _remainder($x; $y);

def test($pattern; $flags): _test($pattern; $flags);
def _arguments(f): if type == "array" then f else [., null] | f end;
def test($pattern): $pattern as $p | . as $text | $p | _arguments(. as $a | $text | _test($a[0]; $a[1]));
def match($pattern; $flags): _match($pattern; $flags) | .[];
def match($pattern): . as $text | $pattern | _arguments(. as $a | $text | match($a[0]; $a[1]));
def _named: [.captures[] | select(.name != null) | {(.name): .string}] | add + {};
def capture($pattern; $flags): match($pattern; $flags) | _named;
def capture($pattern): match($pattern) | _named;
def _scanned: if .captures == [] then .string else [.captures[].string] end;
def scan($pattern; $flags): match($pattern; "g" + $flags) | _scanned;
def scan($pattern): scan($pattern; "");
def split($pattern; $flags): [_pieces($pattern; "g" + $flags)[] | strings];
def splits($pattern; $flags): split($pattern; $flags) | .[];
def splits($pattern): splits($pattern; "");
def sub($pattern; f; $flags): reduce _pieces($pattern; $flags)[] as $piece (""; . + ($piece | if type == "object" then f else . end));
def sub($pattern; f): sub($pattern; f; "");
def gsub($pattern; f; $flags): sub($pattern; f; "g" + $flags);
def gsub($pattern; f): sub($pattern; f; "g");

def strptime($format):
  if ($format | type) == "string" and ($format | contains("Q")) then error("strptime knows no names of time zones")
  else _strptime($format) end;
def todate: (if type == "number" then floor else . end) | todateiso8601;
def fromdate: fromdateiso8601;
def date: todate;
def dateadd($unit; $n): . + $n;
def datesub($unit; $n): . - $n;

def @text: tostring;
def @json: tojson;
def @csv: _csv;
def @tsv: _tsv;
def @html: _html;
def @uri: _uri;
def @urid: _urid;
def @sh: _sh;
def @base64: _base64;
def @base64d: _base64d;
def @base32: _base32;
def @base32d: _base32d;

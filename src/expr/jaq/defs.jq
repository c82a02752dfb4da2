# What jq defines and jaq does not, or defines otherwise. A definition here takes the place of
# jaq's of the same name and arity, so it may only use what jaq defines before it.

def pick(f): . as $whole | reduce path(f) as $path (null; setpath($path; $whole | getpath($path)));
def leaf_paths: paths(scalars);

def toarray: if isarray then . else [.] end;
def scalars_or_empty: select(scalars);
def have_decnum: false;
def have_literal_numbers: true;

def in(xs): . as $x | xs | has($x);
def inside(xs): . as $x | xs | contains($x);
def index($part): indices($part) | .[0];
def rindex($part): indices($part) | .[-1:][0];
def transpose: [range([.[] | length] | max // 0) as $i | [.[][$i]]];
def recurse_down: recurse;
def reverse:
  if isstring then explode | __reverse | implode elif . == null then [] else __reverse end;
def nth($n; f):
  if $n < 0 then error("nth doesn't support negative indices") else first(skip($n; f)) end;
def flatten($depth):
  if $depth < 0 then error("flatten depth must not be negative") else __flatten($depth) end;
def flatten: __flatten(infinite);

def IN(xs): any(xs == .; .);
def IN(source; xs): any(source == xs; .);
def INDEX(rows; f): reduce rows as $row ({}; .[$row | f | tostring] = $row);
def INDEX(f): INDEX(.[]; f);
def JOIN($index; f): [.[] | [., $index[f]]];
def JOIN($index; rows; f): rows | [., $index[f]];
def JOIN($index; rows; f; g): rows | [., $index[f]] | g;

# Each leaf with its path; behind the last of an array or object, its path alone.
def tostream:
  def events($path):
    if (isarray or isobject) and length > 0 then
      (keys_unsorted[] as $key | .[$key] | events($path + [$key])),
      [$path + [keys_unsorted[-1]]]
    else [$path, .] end;
  events([]);
def fromstream(events):
  foreach events as $event ({ whole: true };
    ($event | length == 2) as $leaf
    | ($event[0] | length) as $depth
    | (if .whole then null else .value end) as $value
    | { whole: ($depth == if $leaf then 0 else 1 end),
        value: (if $leaf then $value | setpath($event[0]; $event[1]) else $value end) };
    select(.whole) | .value);
def truncate_stream(events):
  . as $depth | null | events | select(.[0] | length > $depth) | setpath([0]; .[0][$depth:]);

# Matches come one after the other, so that many of them take little memory.
def scan_(re; flags): __matches(re; flags) | [.[].string] | if .[1] then .[1:] else .[0] end;
def match(re; flags): __matches(re; flags) | .[0] + { captures: .[1:] };
def capture(re; flags): __matches(re; flags) | capture_of_match;
def sub(re; f): sub(re; f; "");

def date: todate;
def dateadd(unit; $n): . + $n;
def datesub(unit; $n): . - $n;

def gamma: lgamma;
def nearbyint: rint;
def ascii: [.] | implode;
def split($separator): __split($separator);
def trimstr($cut): ltrimstr($cut) | rtrimstr($cut);
def @json: tojson;
def @base32: tostring | encode_base32;
def @base32d: tostring | decode_base32;
def __row(string; $format):
  if isarray | not then __unfit("cannot be \($format)-formatted, only array") end
  | [.[] |
      if isstring then string
      elif . == null or isnan then ""
      elif isnumber or isboolean then tostring
      else __unfit("is not valid in a csv row") end];
def @csv: __row("\"" + (. / "\"" | join("\"\"")) + "\""; "csv") | join(",");
def @tsv: __row(. / "\\" | join("\\\\") | . / "\t" | join("\\t") | . / "\n" | join("\\n")
    | . / "\r" | join("\\r") | . / "\u0000" | join("\\0"); "tsv") | join("\t");
def format($name):
  if   $name == "text"    then @text
  elif $name == "json"    then @json
  elif $name == "csv"     then @csv
  elif $name == "tsv"     then @tsv
  elif $name == "html"    then @html
  elif $name == "uri"     then @uri
  elif $name == "urid"    then @urid
  elif $name == "sh"      then @sh
  elif $name == "base64"  then @base64
  elif $name == "base64d" then @base64d
  elif $name == "base32"  then @base32
  elif $name == "base32d" then @base32d
  else error("\($name) is not a valid format") end;

complete -c inspect -l max-record -d 'Refuse records longer than SIZE' -r
complete -c inspect -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
json\t'JSON values in any layout; an array gives its items'
csv\t'Comma-separated values; the first row names the fields'
tsv\t'Tab-separated values; the first row names the fields'
logfmt\t'key=value pairs'
combined\t'Access logs in Apache\'s and nginx\'s combined format'
common\t'Access logs in the common format'
syslog\t'Messages of RFC 5424 or RFC 3164'
journal\t'What \'journalctl -o json\' prints'
lines\t'Plain text; the field is line'
regex\t'By a regular expression: --from regex EXPR'
pattern\t'By a simple pattern: --from pattern PATTERN NAMES'
auto\t'Whatever the first 200 lines show; a message says what'"
complete -c inspect -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c inspect -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c inspect -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c inspect -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c inspect -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c inspect -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c inspect -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c inspect -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c inspect -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c inspect -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c inspect -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c inspect -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c inspect -l memory -d 'How much of standard input, or of compressed input, is kept in memory' -r
complete -c inspect -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c inspect -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c inspect -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c inspect -l plain -d 'Print what the first screen shows, once, and end; $COLUMNS and $LINES are its size'
complete -c inspect -s h -l help -d 'Print help (see more with \'--help\')'
complete -c inspect -s V -l version -d 'Print version'

complete -c map -s f -l from-file -d 'Read the expression from FILE instead of EXPR' -r -F
complete -c map -l arg -d 'Set $NAME to the string VALUE in all expressions; may be repeated' -r
complete -c map -l argjson -d 'Set $NAME to the JSON value VALUE in all expressions; may be repeated' -r
complete -c map -l through -d 'Send the records through COMMAND, which sh runs and which writes a line for each of them' -r -f -a "(__fish_complete_command)"
complete -c map -s j -l jobs -d 'Use N cores; the results keep the order of the records' -r
complete -c map -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c map -l max-record -d 'Refuse records longer than SIZE' -r
complete -c map -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c map -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c map -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c map -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c map -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c map -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c map -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c map -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c map -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c map -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c map -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c map -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c map -l explain -d 'Print which evaluator runs the expressions and which fields they read; read no input'
complete -c map -l plain -d 'Print no control records; a terminal gets none anyway'
complete -c map -l trust -d 'Assume that the input is valid JSON, as the log\'s records are, and check only what is read'
complete -c map -s r -l raw-output -d 'Print strings without quotes and escapes, and other results as JSON'
complete -c map -l csv -d 'Print results as CSV: arrays as lines of values, objects below a header of their fields'
complete -c map -l tsv -d 'The same with tabs between the values; tabs, line ends and backslashes are escaped'
complete -c map -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c map -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c map -s h -l help -d 'Print help (see more with \'--help\')'
complete -c map -s V -l version -d 'Print version'

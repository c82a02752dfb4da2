complete -c filter -s f -l from-file -d 'Read the expression from FILE instead of EXPR' -r -F
complete -c filter -l arg -d 'Set $NAME to the string VALUE in all expressions; may be repeated' -r
complete -c filter -l argjson -d 'Set $NAME to the JSON value VALUE in all expressions; may be repeated' -r
complete -c filter -s m -l max-kept -d 'Stop after N records are kept' -r
complete -c filter -l else -d 'Append the records that are not kept to FILE, which may be a FIFO or >(COMMAND)' -r -F
complete -c filter -l unique -d 'Keep only the first record for each value of the jq expression EXPR' -r
complete -c filter -l within -d 'With --unique: leave out records only within this event time of a kept one of their key' -r
complete -c filter -l last -d 'With --unique: remember only the N most recent keys' -r
complete -c filter -l time -d 'With --within: the jq expression for a record\'s event time: an RFC 3339 string, or a number' -r
complete -c filter -l time-unit -d 'The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c filter -s j -l jobs -d 'Use N cores; the records keep their order' -r
complete -c filter -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c filter -l max-record -d 'Refuse records longer than SIZE' -r
complete -c filter -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c filter -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c filter -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c filter -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c filter -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c filter -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c filter -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c filter -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c filter -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c filter -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c filter -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c filter -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c filter -l explain -d 'Print which evaluator runs the expressions and which fields they read; read no input'
complete -c filter -l plain -d 'Print no control records; a terminal gets none anyway'
complete -c filter -l trust -d 'Assume that the input is valid JSON, as the log\'s records are, and check only what is read'
complete -c filter -s v -l invert -d 'Keep the records for which EXPR is not true'
complete -c filter -l allow-assignment -d 'Accept an EXPR that is always true, such as an assignment or a constant'
complete -c filter -s c -l count -d 'Print only how many records were kept'
complete -c filter -s q -l quiet -d 'Print nothing, stop at the first record that is kept, and set the exit status as -e does'
complete -c filter -s e -l exit-status -d 'End with status 1 if no record was kept'
complete -c filter -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c filter -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c filter -s h -l help -d 'Print help (see more with \'--help\')'
complete -c filter -s V -l version -d 'Print version'

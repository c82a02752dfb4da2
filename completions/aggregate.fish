complete -c aggregate -l by -d 'Group by the value of a jq expression; may be repeated' -r
complete -c aggregate -l having -d 'Emit only results for which a jq expression is neither false nor null' -r
complete -c aggregate -l top -d 'Emit only the K results of each window with the greatest values of the aggregate NAME' -r
complete -c aggregate -l over -d 'Emit each record with aggregates of the last N records, or the last duration D, of its group' -r
complete -c aggregate -l emit -d 'When to emit results: once, or also those that changed' -r -f -a "final\t'Each result once, when it is final'
updates\t'Results that changed, marked early or late, and all results of a window at its end, marked on_time'
all\t'The same, but all results of a window whenever one of them changes'"
complete -c aggregate -l tumbling -d 'Tumbling windows of SIZE, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y' -r
complete -c aggregate -l hop -d 'Hopping windows, which overlap: one of --size begins every SLIDE' -r
complete -c aggregate -l cumulate -d 'Cumulating windows: they begin together and grow by STEP up to --size' -r
complete -c aggregate -l size -d 'The size of windows with --hop and --cumulate' -r
complete -c aggregate -l session -d 'Session windows: a group\'s window ends when no record comes for GAP of event time' -r
complete -c aggregate -l count -d 'Count windows: a group\'s window holds N records' -r
complete -c aggregate -l offset -d 'Begin windows later by DURATION, or earlier if it is negative' -r
complete -c aggregate -l week-start -d 'The first day of the week, for windows of whole weeks [default: monday]' -r
complete -c aggregate -l allowed-lateness -d 'Accept records until the watermark is DURATION after the window\'s end' -r
complete -c aggregate -l idle -d 'Treat an input or partition as idle after DURATION without a record' -r
complete -c aggregate -l time -d 'The jq expression for a record\'s event time: an RFC 3339 string, or a number since 1970' -r
complete -c aggregate -l time-unit -d 'The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c aggregate -l time-format -d 'The format of event times, as for strptime: \'%d/%b/%Y:%H:%M:%S %z\'' -r
complete -c aggregate -l ambiguous -d 'How to read a local time that occurs twice when clocks are set back [default: earlier]' -r
complete -c aggregate -l out-of-order -d 'How far a record\'s time may be before the maximum so far without being late [default: 5s]' -r
complete -c aggregate -l max-ahead -d 'Treat a record as bad input if its time is more than DURATION after the maximum so far' -r
complete -c aggregate -l late -d 'Append late records to FILE unchanged, instead of dropping them' -r -F
complete -c aggregate -l max-groups -d 'Stop when more than N groups are held, in all open windows together' -r
complete -c aggregate -l max-records -d 'With --over: stop when more than N records are held, in frames or until the watermark' -r
complete -c aggregate -l max-memory -d 'Stop when groups, windows and records take more than SIZE of memory' -r
complete -c aggregate -l format -d 'The format of results [default: table on a terminal, otherwise ndjson]' -r -f -a "ndjson\t'One JSON object on each line'
table\t'Aligned columns for people, a table for all windows; long strings are cut, decimals rounded'"
complete -c aggregate -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c aggregate -l max-record -d 'Refuse records longer than SIZE' -r
complete -c aggregate -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c aggregate -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c aggregate -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c aggregate -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c aggregate -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c aggregate -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c aggregate -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c aggregate -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c aggregate -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c aggregate -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c aggregate -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c aggregate -l every -d 'With --emit: report early and late results when the watermark passes a multiple of this event time' -r
complete -c aggregate -l tz -d 'The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC' -r
complete -c aggregate -l ties -d 'With --top: emit also results that tie with the last one'
complete -c aggregate -l window-time -d 'Add window_time, the last millisecond of the window, for windows over the results'
complete -c aggregate -l expand -d 'With --hop and --cumulate: emit each record once for each of its windows'
complete -c aggregate -l control -d 'Write control records, so that later tools notice when the results are cut short'
complete -c aggregate -l stats -d 'Print statistics on standard error at the end: groups, windows, memory'
complete -c aggregate -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c aggregate -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c aggregate -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aggregate -s V -l version -d 'Print version'

complete -c produce -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c produce -l max-record -d 'Refuse records longer than SIZE' -r
complete -c produce -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c produce -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c produce -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c produce -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c produce -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c produce -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c produce -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c produce -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c produce -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c produce -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c produce -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c produce -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c produce -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c produce -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c produce -l reconnect -d 'When log-serve stops, wait up to D until it runs again, and continue; 0 does not wait [default: 30s]' -r
complete -c produce -l partitions -d 'Create the topic with N partitions, if it does not exist [default: 1]' -r
complete -c produce -l key -d 'Create the topic with this key, if it does not exist' -r
complete -c produce -l filter -d 'Append only records for which the jq expression EXPR is neither false nor null' -r
complete -c produce -l map -d 'Append the results of the jq expression EXPR instead of each record' -r
complete -c produce -l add -d 'Add the field NAME to each record, with the value of a jq expression; may be repeated' -r
complete -c produce -l unique -d 'Append only records for whose value of the jq expression EXPR the topic has no record' -r
complete -c produce -l within -d 'With --unique: compare only with records that were appended less than DURATION ago' -r
complete -c produce -l last -d 'With --unique: compare only with the last N records of the topic' -r
complete -c produce -l max-unique -d 'With --unique: append nothing if more than N records would count [default: 4000000]' -r
complete -c produce -l spool -d 'Append each finished file of DIR once, and put it away' -r -f -a "(__fish_complete_directories)"
complete -c produce -l done -d 'With --spool: what is done with a file: suffix (.done), move:DIR, or delete' -r
complete -c produce -l order -d 'With --spool: the order of the files' -r -f -a "name\t'By their names'
time\t'By the time at which they were last written'"
complete -c produce -l poll -d 'With --follow: look for changes every D, instead of being told by the kernel' -r
complete -c produce -l partial-after -d 'Append a last line without a line end once the file has not changed for D' -r
complete -c produce -l retry -d 'While the log is full or cannot write, try again for D [default: 0, with --follow for ever]' -r
complete -c produce -l listen -d 'Read what is sent to tcp://ADDR:PORT, udp://ADDR:PORT, unix://PATH or unixgram://PATH' -r
complete -c produce -l socket-mode -d 'With --listen: the mode of Unix sockets, in octal' -r
complete -c produce -l max-connections -d 'With --listen: accept N connections at a time; others wait' -r
complete -c produce -l on-full -d 'While the log does not take records in time: have those who send wait, or drop records' -r -f -a "wait\t'They wait, and so does the program that sends them (default)'
drop\t'They are dropped and counted'"
complete -c produce -l exec -d 'Read what a shell command writes to its standard output' -r
complete -c produce -l restart -d 'With --exec: when to run the command again that has ended' -r -f -a "always\t'Whatever its exit status'
on-failure\t'When it failed, or was killed'
never\t'Never'"
complete -c produce -l restart-after -d 'With --restart: how long after it has ended; failures in a row double it, up to 1 minute' -r
complete -c produce -l topic-by -d 'Append each record to the topic that the jq expression EXPR names; all operands are FILEs then' -r
complete -c produce -l topic-default -d 'With --topic-by: where records go for which EXPR is null or not the name of a topic' -r
complete -c produce -l max-topics -d 'With --topic-by: create at most N topics; records for more are bad' -r
complete -c produce -l producer -d 'Append as NAME, and skip the records of the input that NAME has already appended' -r
complete -c produce -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c produce -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c produce -l no-lend -d 'Do not let log-serve use this tool\'s pipe; $MILLSTREAM_NO_LEND does the same'
complete -c produce -l resume -d 'Append what each FILE has more than the log, also where it was rotated meanwhile'
complete -c produce -s F -l follow -d 'As --resume, and then wait for more; FILE may be a quoted pattern'
complete -c produce -l stats -d 'Print at the end what was done, as a JSON object, also after an error'
complete -c produce -s v -l verbose -d 'Print at the end how many records were appended, and which offsets they got'
complete -c produce -s h -l help -d 'Print help (see more with \'--help\')'
complete -c produce -s V -l version -d 'Print version'

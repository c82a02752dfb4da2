# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_millstream_global_optspecs
    string join \n h/help V/version
end

function __fish_millstream_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_millstream_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_millstream_using_subcommand
    set -l cmd (__fish_millstream_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c millstream -n "__fish_millstream_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_needs_command" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "produce" -d 'Append records to a topic of the log'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "log-serve" -d 'Serve a log: store appended records, and deliver them over a Unix socket'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "subscribe" -d 'Print the records of a topic'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "filter" -d 'Keep the records for which a jq expression is true'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "map" -d 'Replace each record by the results of a jq expression'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "window" -d 'Give each record its window of event time'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "aggregate" -d 'Group records and reduce each group'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "inspect" -d 'Look at records on a screen: of topics, of files, and at the end of a pipe'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "log-admin" -d 'Create, change, list, describe, trim, compact, delete and verify the topics of a log'
complete -c millstream -n "__fish_millstream_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l reconnect -d 'When log-serve stops, wait up to D until it runs again, and continue; 0 does not wait [default: 30s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l partitions -d 'Create the topic with N partitions, if it does not exist [default: 1]' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l key -d 'Create the topic with this key, if it does not exist' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l filter -d 'Append only records for which the jq expression EXPR is neither false nor null' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l map -d 'Append the results of the jq expression EXPR instead of each record' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l add -d 'Add the field NAME to each record, with the value of a jq expression; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l unique -d 'Append only records for whose value of the jq expression EXPR the topic has no record' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l within -d 'With --unique: compare only with records that were appended less than DURATION ago' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l last -d 'With --unique: compare only with the last N records of the topic' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l max-unique -d 'With --unique: append nothing if more than N records would count [default: 4000000]' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l spool -d 'Append each finished file of DIR once, and put it away' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l done -d 'With --spool: what is done with a file: suffix (.done), move:DIR, or delete' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l order -d 'With --spool: the order of the files' -r -f -a "name\t'By their names'
time\t'By the time at which they were last written'"
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l poll -d 'With --follow: look for changes every D, instead of being told by the kernel' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l partial-after -d 'Append a last line without a line end once the file has not changed for D' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l retry -d 'While the log is full or cannot write, try again for D [default: 0, with --follow for ever]' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l listen -d 'Read what is sent to tcp://ADDR:PORT, udp://ADDR:PORT, unix://PATH or unixgram://PATH' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l socket-mode -d 'With --listen: the mode of Unix sockets, in octal' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l max-connections -d 'With --listen: accept N connections at a time; others wait' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l on-full -d 'While the log does not take records in time: have those who send wait, or drop records' -r -f -a "wait\t'They wait, and so does the program that sends them (default)'
drop\t'They are dropped and counted'"
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l exec -d 'Read what a shell command writes to its standard output' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l restart -d 'With --exec: when to run the command again that has ended' -r -f -a "always\t'Whatever its exit status'
on-failure\t'When it failed, or was killed'
never\t'Never'"
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l restart-after -d 'With --restart: how long after it has ended; failures in a row double it, up to 1 minute' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l topic-by -d 'Append each record to the topic that the jq expression EXPR names; all operands are FILEs then' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l topic-default -d 'With --topic-by: where records go for which EXPR is null or not the name of a topic' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l max-topics -d 'With --topic-by: create at most N topics; records for more are bad' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l producer -d 'Append as NAME, and skip the records of the input that NAME has already appended' -r
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l no-lend -d 'Do not let log-serve use this tool\'s pipe; $MILLSTREAM_NO_LEND does the same'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l resume -d 'Append what each FILE has more than the log, also where it was rotated meanwhile'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -s F -l follow -d 'As --resume, and then wait for more; FILE may be a quoted pattern'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -l stats -d 'Print at the end what was done, as a JSON object, also after an error'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -s v -l verbose -d 'Print at the end how many records were appended, and which offsets they got'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand produce" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l ready-fd -d 'Write a line end to descriptor N when ready, and close it' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l socket-mode -d 'Create the socket with these permissions' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l mode -d 'Create files with these permissions: 0600, 0640 or 0644' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l max-connections -d 'Serve at most N connections at a time' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l max-request -d 'Refuse request lines longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l max-append -d 'Refuse appends of more than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l max-memory -d 'Hold at most SIZE of appended records in memory, all connections together' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l min-free -d 'Refuse appends that would leave less than SIZE of the disk free' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l max-names -d 'Let one connection append under the names of at most N producers' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l stall -d 'Refuse an append whose bytes arrive too slowly for SECONDS while others wait for memory' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l drain -d 'When stopping, close connections that are not done after SECONDS' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -l log-level -d 'Print log messages up to LEVEL on stderr' -r -f -a "off\t''
error\t''
warn\t''
info\t''
debug\t''"
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand log-serve" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l from -d 'Begin at PLACE' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l until -d 'Stop before PLACE; with -f, it may be an offset or a time still to come' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -s n -l last -d 'Begin with the last N records' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l partition -d 'Read only this partition; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -s g -l group -d 'Read as a member of GROUP, from its committed offsets; where it has none, from --from' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l commit -d 'When to commit: after records were written, and read from standard output if it is a pipe' -r -f -a "after-write\t'After records were written to standard output, and read from it if it is a pipe'"
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l exec -d 'Instead of printing, run CMD (by sh) for each batch, with its records on standard input' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l reset -d 'If the records at a committed offset are gone, continue at the topic\'s start or end' -r -f -a "start\t'At the first record'
end\t'After the last record'"
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l reconnect -d 'When log-serve stops, wait up to D until it runs again, and continue; 0 does not wait [default: 30s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -s c -l count -d 'Print N records, and stop' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l format -d 'Print records as FORMAT, instead of as they are' -r -f -a "json\t'One record a line'
pretty\t'Over several lines, indented'
fields\t'Columns below their names; needs --fields'
csv\t'Comma-separated values below a header'
tsv\t'Tab-separated values below a header'
raw\t'Strings without quotes and escapes, other values as JSON'"
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l fields -d 'Print these fields: columns on a terminal, CSV elsewhere' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l template -d 'Print a line of TEXT for each record, with values in it, as \'%t/%p@%o {{.host}}\'' -r
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l color -d 'Use colours: on a terminal (auto), always or never' -r -f -a "auto\t'On a terminal'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -s f -l follow -d 'At the end, wait for new records and continue'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l no-lend -d 'Do not let log-serve use this tool\'s pipe; $MILLSTREAM_NO_LEND does the same'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l no-verify -d 'Do not check the checksums of the records'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l control -d 'Write control records, for other tools of this family'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l meta -d 'Print an object for each record: topic, partition, offset, append time (time) and record'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l wait -d 'Wait for the topic, if it does not exist yet'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l pretty -d 'Print each record over several lines, as --format pretty does'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -l wrap -d 'Do not cut lines to the width of the terminal'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand subscribe" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s f -l from-file -d 'Read the expression from FILE instead of EXPR' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l arg -d 'Set $NAME to the string VALUE in all expressions; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l argjson -d 'Set $NAME to the JSON value VALUE in all expressions; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s m -l max-kept -d 'Stop after N records are kept' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l else -d 'Append the records that are not kept to FILE, which may be a FIFO or >(COMMAND)' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l unique -d 'Keep only the first record for each value of the jq expression EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l within -d 'With --unique: leave out records only within this event time of a kept one of their key' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l last -d 'With --unique: remember only the N most recent keys' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l time -d 'With --within: the jq expression for a record\'s event time: an RFC 3339 string, or a number' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l time-unit -d 'The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s j -l jobs -d 'Use N cores; the records keep their order' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l explain -d 'Print which evaluator runs the expressions and which fields they read; read no input'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l plain -d 'Print no control records; a terminal gets none anyway'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l trust -d 'Assume that the input is valid JSON, as the log\'s records are, and check only what is read'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s v -l invert -d 'Keep the records for which EXPR is not true'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l allow-assignment -d 'Accept an EXPR that is always true, such as an assignment or a constant'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s c -l count -d 'Print only how many records were kept'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s q -l quiet -d 'Print nothing, stop at the first record that is kept, and set the exit status as -e does'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s e -l exit-status -d 'End with status 1 if no record was kept'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand filter" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand map" -s f -l from-file -d 'Read the expression from FILE instead of EXPR' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand map" -l arg -d 'Set $NAME to the string VALUE in all expressions; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l argjson -d 'Set $NAME to the JSON value VALUE in all expressions; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l through -d 'Send the records through COMMAND, which sh runs and which writes a line for each of them' -r -f -a "(__fish_complete_command)"
complete -c millstream -n "__fish_millstream_using_subcommand map" -s j -l jobs -d 'Use N cores; the results keep the order of the records' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand map" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c millstream -n "__fish_millstream_using_subcommand map" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c millstream -n "__fish_millstream_using_subcommand map" -l explain -d 'Print which evaluator runs the expressions and which fields they read; read no input'
complete -c millstream -n "__fish_millstream_using_subcommand map" -l plain -d 'Print no control records; a terminal gets none anyway'
complete -c millstream -n "__fish_millstream_using_subcommand map" -l trust -d 'Assume that the input is valid JSON, as the log\'s records are, and check only what is read'
complete -c millstream -n "__fish_millstream_using_subcommand map" -s r -l raw-output -d 'Print strings without quotes and escapes, and other results as JSON'
complete -c millstream -n "__fish_millstream_using_subcommand map" -l csv -d 'Print results as CSV: arrays as lines of values, objects below a header of their fields'
complete -c millstream -n "__fish_millstream_using_subcommand map" -l tsv -d 'The same with tabs between the values; tabs, line ends and backslashes are escaped'
complete -c millstream -n "__fish_millstream_using_subcommand map" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c millstream -n "__fish_millstream_using_subcommand map" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c millstream -n "__fish_millstream_using_subcommand map" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand map" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand window" -l tumbling -d 'Tumbling windows of SIZE, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l hop -d 'Hopping windows, which overlap: one of --size begins every SLIDE' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l cumulate -d 'Cumulating windows: they begin together and grow by STEP up to --size' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l size -d 'The size of windows with --hop and --cumulate' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l session -d 'Session windows: a group\'s window ends when no record comes for GAP of event time' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l count -d 'Count windows: a group\'s window holds N records' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l offset -d 'Begin windows later by DURATION, or earlier if it is negative' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l week-start -d 'The first day of the week, for windows of whole weeks [default: monday]' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l allowed-lateness -d 'Accept records until the watermark is DURATION after the window\'s end' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l every -d 'Emit watermarks also at multiples of this event time, for aggregate --every' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l idle -d 'Treat an input or partition as idle after DURATION without a record' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l time -d 'The jq expression for a record\'s event time: an RFC 3339 string, or a number since 1970' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l time-unit -d 'The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l time-format -d 'The format of event times, as for strptime: \'%d/%b/%Y:%H:%M:%S %z\'' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l ambiguous -d 'How to read a local time that occurs twice when clocks are set back [default: earlier]' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l out-of-order -d 'How far a record\'s time may be before the maximum so far without being late [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l max-ahead -d 'Treat a record as bad input if its time is more than DURATION after the maximum so far' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l late -d 'Append late records to FILE unchanged, instead of dropping them' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand window" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand window" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c millstream -n "__fish_millstream_using_subcommand window" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l tz -d 'The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC' -r
complete -c millstream -n "__fish_millstream_using_subcommand window" -l expand -d 'With --hop and --cumulate: emit each record once for each of its windows'
complete -c millstream -n "__fish_millstream_using_subcommand window" -l plain -d 'Emit records only, no control records'
complete -c millstream -n "__fish_millstream_using_subcommand window" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c millstream -n "__fish_millstream_using_subcommand window" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c millstream -n "__fish_millstream_using_subcommand window" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand window" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l by -d 'Group by the value of a jq expression; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l having -d 'Emit only results for which a jq expression is neither false nor null' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l top -d 'Emit only the K results of each window with the greatest values of the aggregate NAME' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l over -d 'Emit each record with aggregates of the last N records, or the last duration D, of its group' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l emit -d 'When to emit results: once, or also those that changed' -r -f -a "final\t'Each result once, when it is final'
updates\t'Results that changed, marked early or late, and all results of a window at its end, marked on_time'
all\t'The same, but all results of a window whenever one of them changes'"
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l on-interrupt -d 'On SIGINT and SIGTERM: emit nothing more, or the results so far, with "pane":"interrupted"' -r -f -a "discard\t'They have no results'
report\t'They have the results of the records so far'"
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l tumbling -d 'Tumbling windows of SIZE, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l hop -d 'Hopping windows, which overlap: one of --size begins every SLIDE' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l cumulate -d 'Cumulating windows: they begin together and grow by STEP up to --size' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l size -d 'The size of windows with --hop and --cumulate' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l session -d 'Session windows: a group\'s window ends when no record comes for GAP of event time' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l count -d 'Count windows: a group\'s window holds N records' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l offset -d 'Begin windows later by DURATION, or earlier if it is negative' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l week-start -d 'The first day of the week, for windows of whole weeks [default: monday]' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l allowed-lateness -d 'Accept records until the watermark is DURATION after the window\'s end' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l idle -d 'Treat an input or partition as idle after DURATION without a record' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l time -d 'The jq expression for a record\'s event time: an RFC 3339 string, or a number since 1970' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l time-unit -d 'The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l time-format -d 'The format of event times, as for strptime: \'%d/%b/%Y:%H:%M:%S %z\'' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l ambiguous -d 'How to read a local time that occurs twice when clocks are set back [default: earlier]' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l out-of-order -d 'How far a record\'s time may be before the maximum so far without being late [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l max-ahead -d 'Treat a record as bad input if its time is more than DURATION after the maximum so far' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l late -d 'Append late records to FILE unchanged, instead of dropping them' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l max-groups -d 'Stop when more than N groups are held, in all open windows together' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l max-records -d 'With --over: stop when more than N records are held, in frames or until the watermark' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l max-memory -d 'Stop when groups, windows and records take more than SIZE of memory' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l format -d 'The format of results [default: table on a terminal, otherwise ndjson]' -r -f -a "ndjson\t'One JSON object on each line'
table\t'Aligned columns for people, a table for all windows; long strings are cut, decimals rounded'"
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l every -d 'With --emit: report early and late results when the watermark passes a multiple of this event time' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l tz -d 'The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC' -r
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l ties -d 'With --top: emit also results that tie with the last one'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l window-time -d 'Add window_time, the last millisecond of the window, for windows over the results'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l live -d 'Show results in a table that is drawn again as they change; for a terminal'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l expand -d 'With --hop and --cumulate: emit each record once for each of its windows'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l control -d 'Write control records, so that later tools notice when the results are cut short'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l stats -d 'Print statistics on standard error at the end: groups, windows, memory'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand aggregate" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l memory -d 'How much of standard input, or of compressed input, is kept in memory' -r
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -l plain -d 'Print what the first screen shows, once, and end; $COLUMNS and $LINES are its size'
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand inspect" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -s V -l version -d 'Print version'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "create" -d 'Create a topic; one that already exists with the same settings is accepted'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "alter" -d 'Change a topic\'s settings; "default" sets one back to its default'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "delete" -d 'Delete a topic with all its records'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "trim" -d 'Delete segments all of whose records are before a place'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "compact" -d 'Keep only the last record of each key, now; prints what was removed'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "list" -d 'List the topics'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "describe" -d 'Describe the partitions of topics'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "fields" -d 'List the fields of records: how many have them, types, extremes, frequent values'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "groups" -d 'Describe consumer groups: members, committed offsets and lag'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "reset" -d 'Set the offsets at which a group without members resumes'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "stats" -d 'Print metrics of the log: sizes, offsets and lag, and what log-serve does and uses'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "verify" -d 'Check every index entry, checksum and line; exit status 1 if something is damaged'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l partitions -d 'The number of partitions' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l key -d 'The topic\'s key: records with the same value of this jq expression go to one partition' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l fsync -d 'Fsync before acknowledging (always, the default), within DURATION after it, or never' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l retention -d 'Delete records appended longer than DURATION ago, in whole segments' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l retention-bytes -d 'Delete the oldest segments while the partition has at least SIZE of records without them' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l segment-bytes -d 'Roll the active segment when it has SIZE of records [default: 256MiB]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l segment-age -d 'Roll the active segment when its oldest record is older than DURATION' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l max-record -d 'Refuse records longer than SIZE [default: 16MiB]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l compact -d 'Keep only the last record of each key in closed segments; --compact=default ends that' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l tombstone -d 'With --compact: a record for which this jq expression is true removes its key, and itself' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l tombstone-age -d 'Remove a tombstone DURATION after the earlier records of its key [default: 1d]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l source-age -d 'Forget where produce stands in files that it has not seen for DURATION [default: 30d]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l unique -d 'Append a record only if the topic has none with the same value of this jq expression' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l unique-within -d 'With --unique: compare only with records appended less than DURATION ago' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l unique-last -d 'With --unique: compare only with the last N records' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l max-unique -d 'With --unique: refuse appends when more than N records count [default: 4000000]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l readers -d 'Let only these read: users, and groups as :GROUP, separated by commas' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l writers -d 'Let only these append: users, and groups as :GROUP, separated by commas' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l partitions -d 'Add partitions, so that the topic has N' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l key -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l fsync -d 'Fsync before acknowledging (always, the default), within DURATION after it, or never' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l retention -d 'Delete records appended longer than DURATION ago, in whole segments' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l retention-bytes -d 'Delete the oldest segments while the partition has at least SIZE of records without them' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l segment-bytes -d 'Roll the active segment when it has SIZE of records [default: 256MiB]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l segment-age -d 'Roll the active segment when its oldest record is older than DURATION' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l max-record -d 'Refuse records longer than SIZE [default: 16MiB]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l compact -d 'Keep only the last record of each key in closed segments; --compact=default ends that' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l tombstone -d 'With --compact: a record for which this jq expression is true removes its key, and itself' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l tombstone-age -d 'Remove a tombstone DURATION after the earlier records of its key [default: 1d]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l source-age -d 'Forget where produce stands in files that it has not seen for DURATION [default: 30d]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l unique -d 'Append a record only if the topic has none with the same value of this jq expression' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l unique-within -d 'With --unique: compare only with records appended less than DURATION ago' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l unique-last -d 'With --unique: compare only with the last N records' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l max-unique -d 'With --unique: refuse appends when more than N records count [default: 4000000]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l readers -d 'Let only these read: users, and groups as :GROUP, separated by commas' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l writers -d 'Let only these append: users, and groups as :GROUP, separated by commas' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l force -d 'Add partitions even to a topic with a key, whose later records then go to other ones'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from alter" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from delete" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from delete" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from delete" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from delete" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from trim" -l before -d 'An offset, an append time, -7d for a week ago, or \'end\' for all' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from trim" -l partition -d 'Trim only partition N' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from trim" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from trim" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from trim" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from trim" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from compact" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from compact" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from compact" -l close -d 'Close the active segments before, so that their records are compacted, too'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from compact" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from compact" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from list" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from list" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from list" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from describe" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from describe" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from describe" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from describe" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
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
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l sample -d 'Read N records: the first ones of files, and those of a topic at 20 places' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l max-paths -d 'List N paths at most: objects with many keys are taken for maps then, whose keys are data' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l all -d 'Read all records'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from fields" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from groups" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from groups" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from groups" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from groups" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from reset" -l to -d 'Where to resume: \'start\', \'end\', an offset, an append time, or a time ago, like -1h' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from reset" -l partition -d 'Reset only this partition; may be repeated' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from reset" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from reset" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from reset" -l dry-run -d 'Print what would be done, and change nothing'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from reset" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from stats" -s o -l output -d 'Write to FILE, which is replaced atomically' -r -F
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from stats" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from stats" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from stats" -l prometheus -d 'Print the format of Prometheus, for node_exporter\'s textfile collector'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from stats" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from stats" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from verify" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from verify" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from verify" -l repair -d 'Make damaged topics usable again, and report what is lost; the exit status is still 1'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from verify" -l dry-run -d 'With --repair: report what it would do, and change nothing'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from verify" -l json -d 'Print JSON, one object on each line'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from verify" -s h -l help -d 'Print help'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "create" -d 'Create a topic; one that already exists with the same settings is accepted'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "alter" -d 'Change a topic\'s settings; "default" sets one back to its default'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "delete" -d 'Delete a topic with all its records'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "trim" -d 'Delete segments all of whose records are before a place'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "compact" -d 'Keep only the last record of each key, now; prints what was removed'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the topics'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "describe" -d 'Describe the partitions of topics'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "fields" -d 'List the fields of records: how many have them, types, extremes, frequent values'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "groups" -d 'Describe consumer groups: members, committed offsets and lag'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "reset" -d 'Set the offsets at which a group without members resumes'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "stats" -d 'Print metrics of the log: sizes, offsets and lag, and what log-serve does and uses'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "verify" -d 'Check every index entry, checksum and line; exit status 1 if something is damaged'
complete -c millstream -n "__fish_millstream_using_subcommand log-admin; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "produce" -d 'Append records to a topic of the log'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "log-serve" -d 'Serve a log: store appended records, and deliver them over a Unix socket'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "subscribe" -d 'Print the records of a topic'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "filter" -d 'Keep the records for which a jq expression is true'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "map" -d 'Replace each record by the results of a jq expression'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "window" -d 'Give each record its window of event time'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "aggregate" -d 'Group records and reduce each group'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "inspect" -d 'Look at records on a screen: of topics, of files, and at the end of a pipe'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "log-admin" -d 'Create, change, list, describe, trim, compact, delete and verify the topics of a log'
complete -c millstream -n "__fish_millstream_using_subcommand help; and not __fish_seen_subcommand_from produce log-serve subscribe filter map window aggregate inspect log-admin help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "create" -d 'Create a topic; one that already exists with the same settings is accepted'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "alter" -d 'Change a topic\'s settings; "default" sets one back to its default'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "delete" -d 'Delete a topic with all its records'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "trim" -d 'Delete segments all of whose records are before a place'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "compact" -d 'Keep only the last record of each key, now; prints what was removed'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "list" -d 'List the topics'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "describe" -d 'Describe the partitions of topics'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "fields" -d 'List the fields of records: how many have them, types, extremes, frequent values'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "groups" -d 'Describe consumer groups: members, committed offsets and lag'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "reset" -d 'Set the offsets at which a group without members resumes'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "stats" -d 'Print metrics of the log: sizes, offsets and lag, and what log-serve does and uses'
complete -c millstream -n "__fish_millstream_using_subcommand help; and __fish_seen_subcommand_from log-admin" -f -a "verify" -d 'Check every index entry, checksum and line; exit status 1 if something is damaged'

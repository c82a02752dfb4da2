complete -c subscribe -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c subscribe -l from -d 'Begin at PLACE' -r
complete -c subscribe -l until -d 'Stop before PLACE; with -f, it may be an offset or a time still to come' -r
complete -c subscribe -s n -l last -d 'Begin with the last N records' -r
complete -c subscribe -l partition -d 'Read only this partition; may be repeated' -r
complete -c subscribe -s g -l group -d 'Read as a member of GROUP, from its committed offsets; where it has none, from --from' -r
complete -c subscribe -l commit -d 'When to commit: after records were written, and read from standard output if it is a pipe' -r -f -a "after-write\t'After records were written to standard output, and read from it if it is a pipe'"
complete -c subscribe -l exec -d 'Instead of printing, run CMD (by sh) for each batch, with its records on standard input' -r
complete -c subscribe -l reset -d 'If the records at a committed offset are gone, continue at the topic\'s start or end' -r -f -a "start\t'At the first record'
end\t'After the last record'"
complete -c subscribe -l reconnect -d 'When log-serve stops, wait up to D until it runs again, and continue; 0 does not wait [default: 30s]' -r
complete -c subscribe -s c -l count -d 'Print N records, and stop' -r
complete -c subscribe -l format -d 'Print records as FORMAT, instead of as they are' -r -f -a "json\t'One record a line'
pretty\t'Over several lines, indented'
fields\t'Columns below their names; needs --fields'
csv\t'Comma-separated values below a header'
tsv\t'Tab-separated values below a header'
raw\t'Strings without quotes and escapes, other values as JSON'"
complete -c subscribe -l fields -d 'Print these fields: columns on a terminal, CSV elsewhere' -r
complete -c subscribe -l template -d 'Print a line of TEXT for each record, with values in it, as \'%t/%p@%o {{.host}}\'' -r
complete -c subscribe -l color -d 'Use colours: on a terminal (auto), always or never' -r -f -a "auto\t'On a terminal'
always\t'Also in a pipe or a file'
never\t'Not even on a terminal'"
complete -c subscribe -s f -l follow -d 'At the end, wait for new records and continue'
complete -c subscribe -l no-lend -d 'Do not let log-serve use this tool\'s pipe; $MILLSTREAM_NO_LEND does the same'
complete -c subscribe -l no-verify -d 'Do not check the checksums of the records'
complete -c subscribe -l control -d 'Write control records, for other tools of this family'
complete -c subscribe -l meta -d 'Print an object for each record: topic, partition, offset, append time (time) and record'
complete -c subscribe -l wait -d 'Wait for the topic, if it does not exist yet'
complete -c subscribe -l pretty -d 'Print each record over several lines, as --format pretty does'
complete -c subscribe -l wrap -d 'Do not cut lines to the width of the terminal'
complete -c subscribe -s h -l help -d 'Print help (see more with \'--help\')'
complete -c subscribe -s V -l version -d 'Print version'

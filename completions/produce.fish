complete -c produce -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c produce -l max-record -d 'Refuse records longer than SIZE' -r
complete -c produce -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c produce -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c produce -l reconnect -d 'When log-serve stops, wait up to D until it runs again, and continue; 0 does not wait [default: 30s]' -r
complete -c produce -l from -d 'The format of the input' -r -f -a "ndjson\t'One JSON value on each line'
csv\t'Comma-separated values; the first row names the fields'
tsv\t'Tab-separated values; the first row names the fields'"
complete -c produce -l null -d 'With csv and tsv: a cell that means null, instead of NA and the empty cell; may be repeated' -r
complete -c produce -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab' -r
complete -c produce -l partitions -d 'Create the topic with N partitions, if it does not exist [default: 1]' -r
complete -c produce -l key -d 'Create the topic with this key, if it does not exist' -r
complete -c produce -l producer -d 'Append as NAME, and skip the records of the input that NAME has already appended' -r
complete -c produce -l no-lend -d 'Do not let log-serve use this tool\'s pipe; $MILLSTREAM_NO_LEND does the same'
complete -c produce -l text -d 'With csv and tsv: make every cell a string'
complete -c produce -s v -l verbose -d 'Print at the end how many records were appended'
complete -c produce -s h -l help -d 'Print help (see more with \'--help\')'
complete -c produce -s V -l version -d 'Print version'

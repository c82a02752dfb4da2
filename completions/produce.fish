complete -c produce -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c produce -l max-record -d 'Refuse records longer than SIZE' -r
complete -c produce -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c produce -l from -d 'What the input is' -r -f -a "ndjson\t'One JSON value a line'
csv\t'Comma-separated values; the first row names the fields'
tsv\t'Tab-separated values; the first row names the fields'"
complete -c produce -l null -d 'With csv and tsv: cells that mean null, instead of NA and the empty cell; may be repeated' -r
complete -c produce -l partitions -d 'Make the topic with N partitions, if it is not there [default: 1]' -r
complete -c produce -l key -d 'Make the topic with this key, if it is not there: records for which the jq expression has the same value go to the same partition' -r
complete -c produce -l producer -d 'Append as NAME, and skip the records of the input that NAME has appended before' -r
complete -c produce -l text -d 'With csv and tsv: leave every cell a text'
complete -c produce -s v -l verbose -d 'Tell at the end how many records were appended'
complete -c produce -s h -l help -d 'Print help (see more with \'--help\')'
complete -c produce -s V -l version -d 'Print version'

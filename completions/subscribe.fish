complete -c subscribe -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c subscribe -l from -d 'Begin there' -r
complete -c subscribe -l until -d 'Stop before it; an offset or a time need not be there yet with -f' -r
complete -c subscribe -s n -l last -d 'Begin with the last N records' -r
complete -c subscribe -l partition -d 'Read only this partition; may be repeated' -r
complete -c subscribe -s g -l group -d 'Read as a member of this group, from where it has committed; --from is for where it has not' -r
complete -c subscribe -l commit -d 'When a group commits: once records are written to standard output' -r -f -a "after-write\t'Once records are written to standard output'"
complete -c subscribe -l exec -d 'Instead of printing, run this command (by sh) for each batch, with the records on its standard input; commit when it exits with status 0, else stop' -r
complete -c subscribe -l reset -d 'If the records at a committed offset are gone, go on at the start or the end of what is there' -r -f -a "start\t'At the first record that is there'
end\t'Behind the last one'"
complete -c subscribe -s f -l follow -d 'At the end, wait for what is appended and go on'
complete -c subscribe -l no-verify -d 'Do not check the checksums of what is read'
complete -c subscribe -l control -d 'Say by control records that the records are valid JSON, so that filter and map check only what they read, and which partition they are of, so that window follows the time of each'
complete -c subscribe -l meta -d 'Print each record as the field "record" of an object with its topic, partition, offset and time of appending'
complete -c subscribe -s h -l help -d 'Print help (see more with \'--help\')'
complete -c subscribe -s V -l version -d 'Print version'

complete -c subscribe -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c subscribe -l from -d 'Begin there' -r
complete -c subscribe -l until -d 'Stop before it; an offset or a time need not be there yet with -f' -r
complete -c subscribe -s n -l last -d 'Begin with the last N records' -r
complete -c subscribe -l partition -d 'Read only this partition; may be repeated' -r
complete -c subscribe -s f -l follow -d 'At the end, wait for what is appended and go on'
complete -c subscribe -l meta -d 'Print each record as the field "record" of an object with its topic, partition, offset and time of appending'
complete -c subscribe -s h -l help -d 'Print help (see more with \'--help\')'
complete -c subscribe -s V -l version -d 'Print version'

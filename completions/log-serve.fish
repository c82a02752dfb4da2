complete -c log-serve -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-serve -l ready-fd -d 'Write a line end to descriptor N once ready, and close it' -r
complete -c log-serve -l socket-mode -d 'Give the socket these permissions' -r
complete -c log-serve -l max-connections -d 'Serve at most N connections at a time' -r
complete -c log-serve -l max-request -d 'Refuse request lines longer than SIZE' -r
complete -c log-serve -l max-append -d 'Refuse appends of more than SIZE' -r
complete -c log-serve -l max-memory -d 'Hold at most SIZE of appended records in memory, all connections together' -r
complete -c log-serve -l min-free -d 'Refuse appends that would leave less than SIZE of the disk free' -r
complete -c log-serve -l max-names -d 'Let one connection append under at most N producers\' names' -r
complete -c log-serve -l stall -d 'Take the memory from an append whose bytes stay away for SECONDS while others wait for it' -r
complete -c log-serve -l drain -d 'When stopping, cut off connections that are not done after SECONDS' -r
complete -c log-serve -l log-level -d 'Tell on stderr what happens, up to LEVEL' -r -f -a "off\t''
error\t''
warn\t''
info\t''
debug\t''"
complete -c log-serve -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-serve -s V -l version -d 'Print version'

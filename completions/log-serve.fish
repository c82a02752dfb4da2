complete -c log-serve -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-serve -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-serve -l ready-fd -d 'Write a line end to descriptor N when ready, and close it' -r
complete -c log-serve -l socket-mode -d 'Create the socket with these permissions' -r
complete -c log-serve -l mode -d 'Create files with these permissions: 0600, 0640 or 0644' -r
complete -c log-serve -l max-connections -d 'Serve at most N connections at a time' -r
complete -c log-serve -l max-request -d 'Refuse request lines longer than SIZE' -r
complete -c log-serve -l max-append -d 'Refuse appends of more than SIZE' -r
complete -c log-serve -l max-memory -d 'Hold at most SIZE of appended records in memory, all connections together' -r
complete -c log-serve -l min-free -d 'Refuse appends that would leave less than SIZE of the disk free' -r
complete -c log-serve -l max-names -d 'Let one connection append under the names of at most N producers' -r
complete -c log-serve -l stall -d 'Refuse an append whose bytes arrive too slowly for SECONDS while others wait for memory' -r
complete -c log-serve -l drain -d 'When stopping, close connections that are not done after SECONDS' -r
complete -c log-serve -l log-level -d 'Print log messages up to LEVEL on stderr' -r -f -a "off\t''
error\t''
warn\t''
info\t''
debug\t''"
complete -c log-serve -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-serve -s V -l version -d 'Print version'

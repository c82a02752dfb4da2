complete -c window -l tumbling -d 'Tumbling windows of SIZE, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y' -r
complete -c window -l hop -d 'Hopping windows, which overlap: one of --size begins every SLIDE' -r
complete -c window -l cumulate -d 'Cumulating windows: they begin together and grow by STEP up to --size' -r
complete -c window -l size -d 'The size of windows with --hop and --cumulate' -r
complete -c window -l session -d 'Session windows: a group\'s window ends when no record comes for GAP of event time' -r
complete -c window -l count -d 'Count windows: a group\'s window holds N records' -r
complete -c window -l offset -d 'Begin windows later by DURATION, or earlier if it is negative' -r
complete -c window -l week-start -d 'The first day of the week, for windows of whole weeks [default: monday]' -r
complete -c window -l allowed-lateness -d 'Accept records until the watermark is DURATION after the window\'s end' -r
complete -c window -l every -d 'Emit watermarks also at multiples of this event time, for aggregate --every' -r
complete -c window -l idle -d 'Treat an input or partition as idle after DURATION without a record' -r
complete -c window -l time -d 'The jq expression for a record\'s event time: an RFC 3339 string, or a number since 1970' -r
complete -c window -l time-unit -d 'The unit of numbers [default: by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c window -l time-format -d 'The format of event times, as for strptime: \'%d/%b/%Y:%H:%M:%S %z\'' -r
complete -c window -l tz -d 'The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC' -r
complete -c window -l ambiguous -d 'How to read a local time that occurs twice when clocks are set back [default: earlier]' -r
complete -c window -l out-of-order -d 'How far a record\'s time may be before the maximum so far without being late [default: 5s]' -r
complete -c window -l max-ahead -d 'Treat a record as bad input if its time is more than DURATION after the maximum so far' -r
complete -c window -l late -d 'Append late records to FILE unchanged, instead of dropping them' -r -F
complete -c window -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c window -l max-record -d 'Refuse records longer than SIZE' -r
complete -c window -l expand -d 'With --hop and --cumulate: emit each record once for each of its windows'
complete -c window -l plain -d 'Emit records only, no control records'
complete -c window -s h -l help -d 'Print help (see more with \'--help\')'
complete -c window -s V -l version -d 'Print version'

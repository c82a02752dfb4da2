complete -c window -l tumbling -d 'Windows of this size, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y' -r
complete -c window -l hop -d 'Windows that overlap: one of --size begins every SLIDE' -r
complete -c window -l cumulate -d 'Windows that begin together and grow by STEP up to --size, then begin anew' -r
complete -c window -l size -d 'The size of windows with --hop and --cumulate' -r
complete -c window -l session -d 'For each group, a window that ends when no record came for GAP of event time' -r
complete -c window -l count -d 'For each group, a window for every N records' -r
complete -c window -l offset -d 'Begin windows this far after (or, with a minus, before) the epoch and its multiples of the size' -r
complete -c window -l allowed-lateness -d 'Let windows take records until the watermark is so far behind their end' -r
complete -c window -l every -d 'Put out a watermark also when it passes a multiple of this event time: for aggregate --every' -r
complete -c window -l idle -d 'When the input, or one of its partitions, was quiet for so long, go on without it: event time then goes on as the clock does' -r
complete -c window -l time -d 'The jq expression for a record\'s event time: RFC 3339 text, or a number since 1970' -r
complete -c window -l time-unit -d 'What a number counts [default: told by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c window -l time-format -d 'What event times look like, for strptime, as in \'%d/%b/%Y:%H:%M:%S %z\'' -r
complete -c window -l tz -d 'The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC' -r
complete -c window -l out-of-order -d 'How far a record may come behind the greatest event time without being late [default: 5s]' -r
complete -c window -l late -d 'Append late records to FILE, as they came, instead of dropping them' -r -F
complete -c window -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c window -l max-record -d 'Refuse records longer than SIZE' -r
complete -c window -l expand -d 'With --hop and --cumulate: put out each record once for each window that it is in'
complete -c window -l plain -d 'Put out records only, no control records'
complete -c window -s h -l help -d 'Print help (see more with \'--help\')'
complete -c window -s V -l version -d 'Print version'

complete -c window -l tumbling -d 'Windows of this size, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w' -r
complete -c window -l offset -d 'Begin windows this far after (or, with a minus, before) the epoch and its multiples of SIZE' -r
complete -c window -l time-unit -d 'What a number counts [default: told by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c window -l out-of-order -d 'How far a record may come behind the greatest event time without being late' -r
complete -c window -l late -d 'Append late records to FILE, as they came, instead of dropping them' -r -F
complete -c window -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c window -l max-record -d 'Refuse records longer than SIZE' -r
complete -c window -l time -d 'The jq expression for a record\'s event time: RFC 3339 text, or a number since 1970' -r
complete -c window -l plain -d 'Put out records only, no control records'
complete -c window -s h -l help -d 'Print help (see more with \'--help\')'
complete -c window -s V -l version -d 'Print version'

complete -c aggregate -l by -d 'Group by the value of a jq expression; may be given several times' -r
complete -c aggregate -l having -d 'Put out only results for which a jq expression over them is neither false nor null' -r
complete -c aggregate -l top -d 'Put out only the K results, of each window, for which the aggregate NAME is greatest' -r
complete -c aggregate -l over -d 'Put out each record, with the aggregates of the last N records of its group, or of the last D of event time' -r
complete -c aggregate -l emit -d 'Which results come: each once, those that changed, or all of a window when one changed' -r -f -a "final\t'Each once, when nothing can change it any more'
updates\t'Those that changed, marked early or late; and all of a window at its end, marked on_time'
all\t'The same, but all of a window whenever one of them changed'"
complete -c aggregate -l tumbling -d 'Windows of this size, side by side: 500ms, 5s, 1m, 1h30m, 1d, 1w, 1mo, 1y' -r
complete -c aggregate -l hop -d 'Windows that overlap: one of --size begins every SLIDE' -r
complete -c aggregate -l cumulate -d 'Windows that begin together and grow by STEP up to --size, then begin anew' -r
complete -c aggregate -l size -d 'The size of windows with --hop and --cumulate' -r
complete -c aggregate -l session -d 'For each group, a window that ends when no record came for GAP of event time' -r
complete -c aggregate -l count -d 'For each group, a window for every N records' -r
complete -c aggregate -l offset -d 'Begin windows this far after (or, with a minus, before) the epoch and its multiples of the size' -r
complete -c aggregate -l allowed-lateness -d 'Let windows take records until the watermark is so far behind their end' -r
complete -c aggregate -l every -d 'Put out a watermark also when it passes a multiple of this event time: for aggregate --every' -r
complete -c aggregate -l idle -d 'When the input, or one of its partitions, was quiet for so long, go on without it: event time then goes on as the clock does' -r
complete -c aggregate -l time -d 'The jq expression for a record\'s event time: RFC 3339 text, or a number since 1970' -r
complete -c aggregate -l time-unit -d 'What a number counts [default: told by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c aggregate -l time-format -d 'What event times look like, for strptime, as in \'%d/%b/%Y:%H:%M:%S %z\'' -r
complete -c aggregate -l tz -d 'The time zone of event times that have no offset, and of windows: Europe/Berlin, UTC' -r
complete -c aggregate -l out-of-order -d 'How far a record may come behind the greatest event time without being late [default: 5s]' -r
complete -c aggregate -l late -d 'Append late records to FILE, as they came, instead of dropping them' -r -F
complete -c aggregate -l max-groups -d 'Stop when there are more groups than N at the same time, in all open windows, slices or sessions together' -r
complete -c aggregate -l format -d 'What results look like [default: table on a terminal, else ndjson]' -r -f -a "ndjson\t'One object a line'
table\t'Aligned columns for people, a table for each window; long texts are cut, decimals rounded'"
complete -c aggregate -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c aggregate -l max-record -d 'Refuse records longer than SIZE' -r
complete -c aggregate -l ties -d 'With --top, put out also those that are as good as the last of them'
complete -c aggregate -l expand -d 'With --hop and --cumulate: put out each record once for each window that it is in'
complete -c aggregate -l stats -d 'Say on standard error at the end how many groups and windows, slices or sessions were held, and how much memory they took'
complete -c aggregate -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aggregate -s V -l version -d 'Print version'

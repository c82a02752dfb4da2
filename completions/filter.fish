complete -c filter -s f -l from-file -d 'Read the expression from FILE; EXPR is then left out' -r -F
complete -c filter -l arg -d 'Let $NAME be the text VALUE in all expressions; may be repeated' -r
complete -c filter -l argjson -d 'Let $NAME be this JSON value in all expressions; may be repeated' -r
complete -c filter -s m -l max-kept -d 'Stop after N records are kept' -r
complete -c filter -l else -d 'Append the records that are not kept to FILE: also a FIFO, or >(COMMAND) of the shell' -r -F
complete -c filter -l unique -d 'Keep only the first record for each value of this jq expression' -r
complete -c filter -l within -d 'With --unique: remember a key for so long, by event time, after the record that was kept' -r
complete -c filter -l last -d 'With --unique: remember only the N keys that were seen last' -r
complete -c filter -l time -d 'With --within: the jq expression for a record\'s event time: RFC 3339 text, or a number since 1970' -r
complete -c filter -l time-unit -d 'What a number counts [default: told by magnitude: below 1e11 s, 1e14 ms, 1e17 us, else ns]' -r
complete -c filter -s j -l jobs -d 'Work on N cores; the records come in their order all the same' -r
complete -c filter -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c filter -l max-record -d 'Refuse records longer than SIZE' -r
complete -c filter -l explain -d 'Say which evaluator runs the expressions and which fields they read, and read no input'
complete -c filter -l trust -d 'Take the input to be valid JSON, as all that comes from the log is, and check only what is read'
complete -c filter -s v -l invert -d 'Keep the records for which EXPR is not true'
complete -c filter -s c -l count -d 'Print only how many records were kept'
complete -c filter -s q -l quiet -d 'Print nothing and stop at the first record that is kept; the exit status is that of -e'
complete -c filter -s e -l exit-status -d 'End with status 1 if no record was kept'
complete -c filter -s h -l help -d 'Print help (see more with \'--help\')'
complete -c filter -s V -l version -d 'Print version'

complete -c filter -s m -l max-kept -d 'Stop after N records are kept' -r
complete -c filter -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c filter -l max-record -d 'Refuse records longer than SIZE' -r
complete -c filter -s v -l invert -d 'Keep the records for which EXPR is not true'
complete -c filter -s c -l count -d 'Print only how many records were kept'
complete -c filter -s q -l quiet -d 'Print nothing and stop at the first record that is kept; the exit status is that of -e'
complete -c filter -s e -l exit-status -d 'End with status 1 if no record was kept'
complete -c filter -s h -l help -d 'Print help (see more with \'--help\')'
complete -c filter -s V -l version -d 'Print version'

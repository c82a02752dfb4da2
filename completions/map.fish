complete -c map -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c map -l max-record -d 'Refuse records longer than SIZE' -r
complete -c map -s h -l help -d 'Print help (see more with \'--help\')'
complete -c map -s V -l version -d 'Print version'

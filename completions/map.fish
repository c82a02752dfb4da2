complete -c map -s f -l from-file -d 'Read the expression from FILE instead of EXPR' -r -F
complete -c map -l arg -d 'Set $NAME to the string VALUE in all expressions; may be repeated' -r
complete -c map -l argjson -d 'Set $NAME to the JSON value VALUE in all expressions; may be repeated' -r
complete -c map -l through -d 'Send the records through COMMAND, which sh runs and which writes a line for each of them' -r -f -a "(__fish_complete_command)"
complete -c map -s j -l jobs -d 'Use N cores; the results keep the order of the records' -r
complete -c map -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c map -l max-record -d 'Refuse records longer than SIZE' -r
complete -c map -l explain -d 'Print which evaluator runs the expressions and which fields they read; read no input'
complete -c map -l plain -d 'Print no control records; a terminal gets none anyway'
complete -c map -l trust -d 'Assume that the input is valid JSON, as the log\'s records are, and check only what is read'
complete -c map -s h -l help -d 'Print help (see more with \'--help\')'
complete -c map -s V -l version -d 'Print version'

complete -c map -s f -l from-file -d 'Read the expression from FILE; EXPR is then left out' -r -F
complete -c map -l arg -d 'Let $NAME be the text VALUE in all expressions; may be repeated' -r
complete -c map -l argjson -d 'Let $NAME be this JSON value in all expressions; may be repeated' -r
complete -c map -l through -d 'Send the records through COMMAND, which sh runs and which writes one line for each' -r -f -a "(__fish_complete_command)"
complete -c map -s j -l jobs -d 'Work on N cores; the results come in the order of the records all the same' -r
complete -c map -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c map -l max-record -d 'Refuse records longer than SIZE' -r
complete -c map -l explain -d 'Say which evaluator runs the expressions and which fields they read, and read no input'
complete -c map -l trust -d 'Take the input to be valid JSON, as all that comes from the log is, and check only what is read'
complete -c map -s h -l help -d 'Print help (see more with \'--help\')'
complete -c map -s V -l version -d 'Print version'

complete -c aggregate -l by -d 'Group by the value of a jq expression; may be given several times' -r
complete -c aggregate -l rejects -d 'Append bad lines to FILE and go on, instead of stopping at the first one' -r -F
complete -c aggregate -l max-record -d 'Refuse records longer than SIZE' -r
complete -c aggregate -s h -l help -d 'Print help (see more with \'--help\')'
complete -c aggregate -s V -l version -d 'Print version'

# Completes subscribe in fish. What is offered comes from the program itself.
function __millstream_complete_subscribe
    set -l words (commandline -opc)
    set -l text (commandline -ct)
    set -l program millstream
    # What was called by its path has its program beside it.
    if string match -q '*/*' -- $words[1]
        set program (string replace -r '[^/]*$' millstream -- $words[1])
    end
    type -q $program; or return
    set -e words[1]
    set -l line (commandline -jc | string collect)
    set -l lines (env MILLSTREAM_LINE="$line" \
        $program complete fish subscribe $words "$text" 2> /dev/null < /dev/null)
    printf '%s\n' $lines[2..-1]
    set -l option (string match -r '^--[^=]*=' -- $text)
    set -l value (string replace -- "$option" '' "$text")
    switch "$lines[1]"
        case 'files*'
            printf "$option%s\n" (__fish_complete_path "$value")
        case 'dirs*'
            printf "$option%s\n" (__fish_complete_directories "$value" '')
    end
end
complete -c subscribe -f -k -a '(__millstream_complete_subscribe)'

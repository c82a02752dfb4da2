#compdef @NAME@
# Completes @NAME@ in zsh. What is offered comes from the program itself.
_@NAME@() {
    local program=millstream paths line
    local -a lines values shown spaces
    # What was called by its path has its program beside it.
    [[ $words[1] != */* ]] || program=${~words[1]%/*}/millstream
    lines=("${(@f)$(MILLSTREAM_REST="$SUFFIX ${words[CURRENT+1,-1]}" \
        "$program" complete zsh @NAME@ "${(@Q)words[2,CURRENT-1]}" "${compstate[quote]}$PREFIX" \
        2> /dev/null < /dev/null)}")
    paths=$lines[1]
    [[ $paths != *nospace ]] || spaces=(-S '')
    for line in "${(@)lines[2,-1]}"; do
        values+=("${line%%$'\t'*}")
        shown+=("${values[-1]#*=}${${line#*$'\t'}:+  -- ${line#*$'\t'}}")
    done
    # A word in quotes does not begin like the one that it replaces.
    [[ $values[1] != \'* ]] || spaces+=(-U)
    if (( $#values )); then
        compadd -Q -V @NAME@ -l -d shown "${(@)spaces}" -a values
    fi
    case $paths in
        files*) compset -P '--[^=]#=' || compset -P '-[a-zA-Z0-9-]##='; _files ;;
        dirs*) compset -P '-[a-zA-Z0-9-]##='; _files -/ ;;
    esac
}
if [[ $funcstack[1] == _@NAME@ ]]; then
    _@NAME@ "$@"
else
    compdef _@NAME@ @NAME@
fi

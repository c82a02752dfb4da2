#compdef @NAME@
# Completes @NAME@ in zsh. What is offered comes from the program itself.
_@NAME@() {
    local program=millstream paths line cut
    local -a lines values shown spaces
    # What was called by its path has its program beside it.
    [[ $words[1] != */* ]] || program=${~words[1]%/*}/millstream
    # To an open quote belongs all that follows: what is before the cursor is completed.
    if [[ -n $compstate[quote] && -z $QISUFFIX ]]; then
        for (( cut = $#PREFIX; cut > 0; cut-- )); do
            [[ $LBUFFER != *"${PREFIX[1,cut]}" ]] || break
        done
        ISUFFIX=${PREFIX[cut+1,-1]}$ISUFFIX
        PREFIX=${PREFIX[1,cut]}
        compstate[to_end]=
    fi
    lines=("${(@f)$(MILLSTREAM_LINE=$PREBUFFER$LBUFFER \
        MILLSTREAM_REST="$SUFFIX$ISUFFIX ${words[CURRENT+1,-1]}" \
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

# Completes aggregate in bash. What is offered comes from the program itself.
_millstream_complete_aggregate() {
    local program=millstream paths= value IFS=$'\n'
    # What was called by its path has its program beside it.
    [[ $1 != */* ]] || program=${1%/*}/millstream
    program=${program/#\~\//$HOME/}
    COMPREPLY=()
    {
        IFS= read -r paths
        while IFS=$'\t' read -r value _; do
            COMPREPLY+=("$value")
        done
    } < <(MILLSTREAM_REST=${COMP_LINE:COMP_POINT} "$program" complete bash aggregate \
        "${COMP_LINE:0:COMP_POINT}" "$2" 2> /dev/null < /dev/null)
    [[ $paths != *nospace ]] || compopt -o nospace
    case $paths/${#COMPREPLY[@]} in
        files*/0) compopt -o default ;;
        dirs*/0) compopt -o dirnames ;;
        files*)
            local files
            mapfile -t files < <(compgen -f -- "$2")
            [[ ${#files[@]} == 0 ]] || compopt -o filenames
            COMPREPLY+=("${files[@]}")
            ;;
    esac
}
complete -F _millstream_complete_aggregate aggregate

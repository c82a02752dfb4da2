# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_log_admin_global_optspecs
    string join \n data= wait= json h/help V/version
end

function __fish_log_admin_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_log_admin_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_log_admin_using_subcommand
    set -l cmd (__fish_log_admin_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c log-admin -n "__fish_log_admin_needs_command" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_needs_command" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_needs_command" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-admin -n "__fish_log_admin_needs_command" -s V -l version -d 'Print version'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "create" -d 'Create a topic; one that already exists with the same settings is accepted'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "alter" -d 'Change a topic\'s settings; "default" sets one back to its default'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "delete" -d 'Delete a topic with all its records'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "trim" -d 'Delete segments all of whose records are before a place'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "compact" -d 'Keep only the last record of each key, now; prints what was removed'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "list" -d 'List the topics'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "describe" -d 'Describe the partitions of topics'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "fields" -d 'List the fields of records: how many have them, types, extremes, frequent values'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "groups" -d 'Describe consumer groups: members, committed offsets and lag'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "reset" -d 'Set the offsets at which a group without members resumes'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "stats" -d 'Print metrics of the log: sizes, offsets and lag, and what log-serve does and uses'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "verify" -d 'Check every index entry, checksum and line; exit status 1 if something is damaged'
complete -c log-admin -n "__fish_log_admin_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l partitions -d 'The number of partitions' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l key -d 'The topic\'s key: records with the same value of this jq expression go to one partition' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l fsync -d 'Fsync before acknowledging (always, the default), within DURATION after it, or never' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l retention -d 'Delete records appended longer than DURATION ago, in whole segments' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l retention-bytes -d 'Delete the oldest segments while the partition has at least SIZE of records without them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l segment-bytes -d 'Roll the active segment when it has SIZE of records [default: 256MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l segment-age -d 'Roll the active segment when its oldest record is older than DURATION' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l max-record -d 'Refuse records longer than SIZE [default: 16MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l compact -d 'Keep only the last record of each key in closed segments; --compact=default ends that' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l tombstone -d 'With --compact: a record for which this jq expression is true removes its key, and itself' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l tombstone-age -d 'Remove a tombstone DURATION after the earlier records of its key [default: 1d]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l source-age -d 'Forget where produce stands in files that it has not seen for DURATION [default: 30d]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l unique -d 'Append a record only if the topic has none with the same value of this jq expression' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l unique-within -d 'With --unique: compare only with records appended less than DURATION ago' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l unique-last -d 'With --unique: compare only with the last N records' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l max-unique -d 'With --unique: refuse appends when more than N records count [default: 4000000]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l readers -d 'Let only these read: users, and groups as :GROUP, separated by commas' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l writers -d 'Let only these append: users, and groups as :GROUP, separated by commas' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand create" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l partitions -d 'Add partitions, so that the topic has N' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l key -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l fsync -d 'Fsync before acknowledging (always, the default), within DURATION after it, or never' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l retention -d 'Delete records appended longer than DURATION ago, in whole segments' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l retention-bytes -d 'Delete the oldest segments while the partition has at least SIZE of records without them' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l segment-bytes -d 'Roll the active segment when it has SIZE of records [default: 256MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l segment-age -d 'Roll the active segment when its oldest record is older than DURATION' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l max-record -d 'Refuse records longer than SIZE [default: 16MiB]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l compact -d 'Keep only the last record of each key in closed segments; --compact=default ends that' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l tombstone -d 'With --compact: a record for which this jq expression is true removes its key, and itself' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l tombstone-age -d 'Remove a tombstone DURATION after the earlier records of its key [default: 1d]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l source-age -d 'Forget where produce stands in files that it has not seen for DURATION [default: 30d]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l unique -d 'Append a record only if the topic has none with the same value of this jq expression' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l unique-within -d 'With --unique: compare only with records appended less than DURATION ago' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l unique-last -d 'With --unique: compare only with the last N records' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l max-unique -d 'With --unique: refuse appends when more than N records count [default: 4000000]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l readers -d 'Let only these read: users, and groups as :GROUP, separated by commas' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l writers -d 'Let only these append: users, and groups as :GROUP, separated by commas' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l force -d 'Add partitions even to a topic with a key, whose later records then go to other ones'
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand alter" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-admin -n "__fish_log_admin_using_subcommand delete" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand delete" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand delete" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand delete" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l before -d 'An offset, an append time, -7d for a week ago, or \'end\' for all' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l partition -d 'Trim only partition N' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand trim" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -l close -d 'Close the active segments before, so that their records are compacted, too'
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand compact" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand list" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand list" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand list" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand list" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand describe" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand describe" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand describe" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand describe" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l max-record -d 'Refuse records longer than SIZE' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l from -d 'The format of the input; produce(1) describes them' -r -f -a "ndjson\t'One JSON value on each line'
json\t'JSON values in any layout; an array gives its items'
csv\t'Comma-separated values; the first row names the fields'
tsv\t'Tab-separated values; the first row names the fields'
logfmt\t'key=value pairs'
combined\t'Access logs in Apache\'s and nginx\'s combined format'
common\t'Access logs in the common format'
syslog\t'Messages of RFC 5424 or RFC 3164'
journal\t'What \'journalctl -o json\' prints'
lines\t'Plain text; the field is line'
regex\t'By a regular expression: --from regex EXPR'
pattern\t'By a simple pattern: --from pattern PATTERN NAMES'
auto\t'Whatever the first 200 lines show; a message says what'"
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l regex -d 'Read lines by a regular expression, whose named groups are fields; also --from regex EXPR' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l pattern -d 'Read lines like PATTERN; each * is a field of NAMES (a,b,c); also --from pattern PATTERN NAMES' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l types -d 'What texts become: auto, all-text, or NAME:TYPE,… with the types text, number, bool and auto' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l null -d 'A text that means null, unless it is in quotes; may be repeated' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l delimiter -d 'With csv and tsv: the character between cells, instead of a comma or a tab; or tab' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l quote -d 'With csv and tsv: the character around cells, instead of \\"; or none' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l columns -d 'With csv and tsv: the first row is no header; these are the names of the columns' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l multiline -d 'Join lines: one in which REGEX is found begins a record, and the others continue it' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l year -d 'With syslog: the year of the first record [default: the latest that is not in the future]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l tz -d 'With syslog: the time zone of times that have none, like Europe/Berlin [default: UTC]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l keep-bad -d 'Make a record of each line that does not fit the format, with the line in FIELD' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l sample -d 'Read N records: the first ones of files, and those of a topic at 20 places' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l max-paths -d 'List N paths at most: objects with many keys are taken for maps then, whose keys are data' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l rejects -d 'Append bad lines to FILE and continue, instead of stopping at the first one' -r -F
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l no-header -d 'With csv and tsv: the first row is no header; the columns are c1, c2, …'
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l no-progress -d 'Show no progress bar; without this, it is shown on a terminal while files are read'
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l all -d 'Read all records'
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand fields" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-admin -n "__fish_log_admin_using_subcommand groups" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand groups" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand groups" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand groups" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l to -d 'Where to resume: \'start\', \'end\', an offset, an append time, or a time ago, like -1h' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l partition -d 'Reset only this partition; may be repeated' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l dry-run -d 'Print what would be done, and change nothing'
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand reset" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -s o -l output -d 'Write to FILE, which is replaced atomically' -r -F
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -l prometheus -d 'Print the format of Prometheus, for node_exporter\'s textfile collector'
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand stats" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l data -d 'The log\'s directory [default: $MILLSTREAM_DIR, else $XDG_DATA_HOME/millstream]' -r -f -a "(__fish_complete_directories)"
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l wait -d 'While another process writes the log, wait up to D for it to end; 0 does not wait [default: 5s]' -r
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l repair -d 'Make damaged topics usable again, and report what is lost; the exit status is still 1'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l dry-run -d 'With --repair: report what it would do, and change nothing'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -l json -d 'Print JSON, one object on each line'
complete -c log-admin -n "__fish_log_admin_using_subcommand verify" -s h -l help -d 'Print help'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "create" -d 'Create a topic; one that already exists with the same settings is accepted'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "alter" -d 'Change a topic\'s settings; "default" sets one back to its default'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "delete" -d 'Delete a topic with all its records'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "trim" -d 'Delete segments all of whose records are before a place'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "compact" -d 'Keep only the last record of each key, now; prints what was removed'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "list" -d 'List the topics'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "describe" -d 'Describe the partitions of topics'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "fields" -d 'List the fields of records: how many have them, types, extremes, frequent values'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "groups" -d 'Describe consumer groups: members, committed offsets and lag'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "reset" -d 'Set the offsets at which a group without members resumes'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "stats" -d 'Print metrics of the log: sizes, offsets and lag, and what log-serve does and uses'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "verify" -d 'Check every index entry, checksum and line; exit status 1 if something is damaged'
complete -c log-admin -n "__fish_log_admin_using_subcommand help; and not __fish_seen_subcommand_from create alter delete trim compact list describe fields groups reset stats verify help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'

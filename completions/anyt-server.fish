# fish completion for anyt-server. Generated from the command table by make docs; do not edit.

complete -c anyt-server -n '__fish_use_subcommand' -f -a user
complete -c anyt-server -n '__fish_seen_subcommand_from user; and not __fish_seen_subcommand_from add list remove' -f -a add -d 'Add a user, or give one a role in a workspace'
complete -c anyt-server -n '__fish_seen_subcommand_from user; and not __fish_seen_subcommand_from add list remove' -f -a list -d 'List users and their roles'
complete -c anyt-server -n '__fish_seen_subcommand_from user; and not __fish_seen_subcommand_from add list remove' -f -a remove -d 'Shut a user out: revoke its tokens and keys, end its memberships'
complete -c anyt-server -n '__fish_use_subcommand' -f -a token
complete -c anyt-server -n '__fish_seen_subcommand_from token; and not __fish_seen_subcommand_from create list revoke' -f -a create -d 'Make a token and print it, once'
complete -c anyt-server -n '__fish_seen_subcommand_from token; and not __fish_seen_subcommand_from create list revoke' -f -a list -d 'List tokens, by their first letters'
complete -c anyt-server -n '__fish_seen_subcommand_from token; and not __fish_seen_subcommand_from create list revoke' -f -a revoke -d 'Make a token good for nothing'
complete -c anyt-server -n '__fish_use_subcommand' -f -a backup
complete -c anyt-server -n '__fish_use_subcommand' -f -a restore
complete -c anyt-server -n '__fish_seen_subcommand_from restore; and not __fish_seen_subcommand_from backup workspace project' -f -a backup -d 'Put a backup in the place of the database; the server must not run'
complete -c anyt-server -n '__fish_seen_subcommand_from restore; and not __fish_seen_subcommand_from backup workspace project' -f -a workspace -d 'Take the deletion of a workspace back'
complete -c anyt-server -n '__fish_seen_subcommand_from restore; and not __fish_seen_subcommand_from backup workspace project' -f -a project -d 'Take the deletion of a project and its tasks back'
complete -c anyt-server -n '__fish_use_subcommand' -f -a export
complete -c anyt-server -n '__fish_use_subcommand' -f -a import
complete -c anyt-server -n '__fish_use_subcommand' -f -a check
complete -c anyt-server -n '__fish_use_subcommand' -l listen -x -d 'Listen there; port 0 picks a free one'
complete -c anyt-server -n '__fish_use_subcommand' -l token -x -d 'Let USER in with TOKEN while this server runs; may be repeated'
complete -c anyt-server -n '__fish_use_subcommand' -l token-file -r -d 'The same, from the lines of a file'
complete -c anyt-server -n '__fish_use_subcommand' -l no-token -d 'Make no token on a first start; \'anyt-server user add\' and \'token create\' do'
complete -c anyt-server -n '__fish_use_subcommand' -l workspace -x -d 'The workspace of --token users and --import; made if there is none'
complete -c anyt-server -n '__fish_use_subcommand' -l max-body -x -d 'Refuse longer request bodies'
complete -c anyt-server -n '__fish_use_subcommand' -l max-connections -x -d 'From one address at a time'
complete -c anyt-server -n '__fish_use_subcommand' -l import -r -d 'Load a backlog from JSON lines before listening; - is standard input'
complete -c anyt-server -l db -r -d 'The database, or :memory: while serving'
complete -c anyt-server -l help -d 'Explain the command'
complete -c anyt-server -l version -d 'Print the version'
complete -c anyt-server -n '__fish_seen_subcommand_from user; and __fish_seen_subcommand_from add' -l workspace -x -d 'The workspace; made, with USER as its owner, if there is none'
complete -c anyt-server -n '__fish_seen_subcommand_from user; and __fish_seen_subcommand_from add' -l role -x -a 'owner admin member viewer' -d 'owner, admin, member or viewer'
complete -c anyt-server -n '__fish_seen_subcommand_from token; and __fish_seen_subcommand_from create' -l name -x -d 'What the token is for'
complete -c anyt-server -n '__fish_seen_subcommand_from token; and __fish_seen_subcommand_from create' -l expires -x -d 'A date (2027-01-31) or a span from now (90d)'
complete -c anyt-server -n '__fish_seen_subcommand_from restore; and __fish_seen_subcommand_from project' -l workspace -x -d 'The workspace it was in'

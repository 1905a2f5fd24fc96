# bash completion for anyt-server. Generated from the command table by make docs; do not edit.

_anyt_server() {
    local cur="${COMP_WORDS[COMP_CWORD]}" prev="${COMP_WORDS[COMP_CWORD - 1]}" path='' words='' flags='' index word
    COMPREPLY=()
    for ((index = 1; index < COMP_CWORD; index++)); do
        word="${COMP_WORDS[index]}"
        case "$word" in
            --token-file|--import|--db|--listen|--token|--workspace|--max-body|--max-connections|--role|--name|--expires) index=$((index + 1)) ;;
            -*) ;;
            *) path="${path:+$path }$word" ;;
        esac
    done
    case "$path" in
        '') words='user token backup restore export import check' flags='--listen --token --token-file --no-token --workspace --max-body --max-connections --import --db --help --version' ;;
        user) words='add list remove' ;;
        token) words='create list revoke' ;;
        restore) words='backup workspace project' ;;
        'user add' | 'user add '*) flags='--workspace --role --db --help --version' ;;
        'user list' | 'user list '*) flags='--db --help --version' ;;
        'user remove' | 'user remove '*) flags='--db --help --version' ;;
        'token create' | 'token create '*) flags='--name --expires --db --help --version' ;;
        'token list' | 'token list '*) flags='--db --help --version' ;;
        'token revoke' | 'token revoke '*) flags='--db --help --version' ;;
        'backup' | 'backup '*) flags='--db --help --version' ;;
        'restore backup' | 'restore backup '*) flags='--db --help --version' ;;
        'restore workspace' | 'restore workspace '*) flags='--db --help --version' ;;
        'restore project' | 'restore project '*) flags='--workspace --db --help --version' ;;
        'export' | 'export '*) flags='--db --help --version' ;;
        'import' | 'import '*) flags='--db --help --version' ;;
        'check' | 'check '*) flags='--db --help --version' ;;
    esac
    case "$prev" in
        --token-file|--import|--db) COMPREPLY=($(compgen -f -- "$cur")); return 0 ;;
        --role) COMPREPLY=($(compgen -W 'owner admin member viewer' -- "$cur")); return 0 ;;
        --listen|--token|--workspace|--max-body|--max-connections|--role|--name|--expires) return 0 ;;
    esac
    case "$cur" in
        -*) COMPREPLY=($(compgen -W "$flags" -- "$cur")) ;;
        *) COMPREPLY=($(compgen -W "$words" -- "$cur")) ;;
    esac
}

complete -o default -F _anyt_server anyt-server

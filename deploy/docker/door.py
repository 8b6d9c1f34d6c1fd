"""nginx in its container, told without a restart what paths take of a body: an answer under way is not cut.

In: the container, and the locations that deploy/bodies.py makes. Out: whether that was anything new. The container's
own settings stay as they were when it was made: one that is restarted by itself goes by those until the next `up`.
"""

from deploy.engine import Refusal
from deploy.undisturbed import apart

_RUN = 'nginx -p /run/portico -c /run/portico/nginx.conf -g "daemon off;"'
# The image's own entry point fills in the templates, and then has nginx read them.
_LEAD = f"""
set -e
cd /run/portico
rm -rf /tmp/before /tmp/said && cp -r conf.d /tmp/before
if ! /docker-entrypoint.sh {_RUN} -t -q > /tmp/said 2>&1; then
    cp /tmp/before/* conf.d/
    cat /tmp/said >&2
    exit 1
fi
diff -qr /tmp/before conf.d > /dev/null && exit 0
{_RUN} -s reload
echo led
"""


def led(container: str, locations: str) -> bool:
    """Raises Refusal with nginx's own words when it can't go by them; then it goes on as before."""
    done = apart(["docker", "exec", "--env", f"BODIES={locations}", container, "sh", "-c", _LEAD])
    if done.returncode:
        said = done.stderr.strip().splitlines()
        why = next((line for line in said if "[emerg]" in line), said[-1] if said else "it did not say why")
        raise Refusal(f"nginx refuses its configuration: {why}: correct the file that it names, in nginx/.")
    return "led" in done.stdout.split()

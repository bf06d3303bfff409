from lineshaft.common.service import main
from lineshaft.notifier.app import NAME, build
from lineshaft.notifier.settings import NotifierSettings

if __name__ == "__main__":
    main(NAME, NotifierSettings, build)

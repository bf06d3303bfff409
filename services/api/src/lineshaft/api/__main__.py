from lineshaft.api.app import NAME, build
from lineshaft.api.settings import ApiSettings
from lineshaft.common.service import main

if __name__ == "__main__":
    main(NAME, ApiSettings, build)

from lineshaft.common.service import main
from lineshaft.mapping.app import NAME, build
from lineshaft.mapping.settings import MappingSettings

if __name__ == "__main__":
    main(NAME, MappingSettings, build)
